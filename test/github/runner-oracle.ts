const registered =
  /^(?:add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|internal-set-repo-path|notice|remove-matcher|save-state|set-env|set-output|stop-commands|warning)$/i;

/** The command that the runner would obey, after actions/runner ActionCommand.cs: TryParseV2, then TryParse. */
export function commandOf(line: string): string | undefined {
  const seen = asCompared(line);
  const named = newCommand(seen.trimStart()) ?? oldCommand(seen);
  return named !== undefined && registered.test(named) ? named : undefined;
}

/** Stricter than the runner: anything that could become a command with another list of commands. */
export function looksLikeCommand(line: string): boolean {
  const seen = asCompared(line);
  return seen.trimStart().startsWith('::') || seen.includes('##[');
}

/** .NET compares strings by culture there: characters without a weight of their own are passed over. */
function asCompared(line: string): string {
  return line.replaceAll(/(?!\t)[\p{Cc}\p{Cf}\p{Cs}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/gu, '');
}

function newCommand(line: string): string | undefined {
  if (!line.startsWith('::')) return undefined;
  const end = line.indexOf('::', 2);
  return end < 0 ? undefined : line.slice(2, end).split(' ')[0];
}

function oldCommand(line: string): string | undefined {
  const start = line.indexOf('##[');
  const end = line.indexOf(']', start);
  return start < 0 || end < 0 ? undefined : line.slice(start + 3, end).split(' ')[0];
}
