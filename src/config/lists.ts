/** The items of a list input: one a line or by commas; `#` at the start of a line or after a space begins a comment. */
export function parseList(text: string): readonly string[] {
  return text
    .split(/\r\n|\r|\n/u)
    .map((line) => line.replace(/(?:^|\s)#.*$/u, ''))
    .flatMap((line) => line.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Items that stand in the list more than once. */
export function repeatedOf(items: readonly string[]): readonly string[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
}
