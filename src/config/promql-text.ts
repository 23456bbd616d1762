/**
 * Why a piece of PromQL cannot stand inside of ours: its brackets or quotes are not closed, or close what it has not opened. Undefined: it
 * can. Whether it means anything is Prometheus' to say.
 */
export function promqlProblem(text: string): string | undefined {
  const open: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '#') {
      const end = text.indexOf('\n', at);
      if (end < 0) break;
      at = end;
    } else if (char === '"' || char === "'" || char === '`') {
      const end = endOfString(text, at);
      if (end === undefined) return `the string that begins with ${char} at character ${at + 1} has no end`;
      at = end;
    } else if (Object.hasOwn(closers, char)) open.push(char);
    else if (char === ')' || char === '}' || char === ']') {
      const opener = open.pop();
      if (opener === undefined || closers[opener] !== char) return `the ${char} at character ${at + 1} closes nothing`;
    }
  }
  const left = open.at(-1);
  return left === undefined ? undefined : `a ${left} is not closed`;
}

const closers: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

/** Backquotes know no escapes, and only they may hold line breaks. */
function endOfString(text: string, start: number): number | undefined {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === quote) return at;
    if (quote === '`') continue;
    if (char === '\n') return undefined;
    if (char === '\\') at += 1;
  }
  return undefined;
}
