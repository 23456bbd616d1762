export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly properties: Readonly<Record<string, string>>;
}

// What the runner registers; a line that names anything else is an ordinary line.
const registered = new Set([
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'internal-set-repo-path',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
]);

// An action that uses the files for outputs, state and environment never prints these: such a line came out of somebody's data.
const neverOurs = new Set([
  'add-matcher',
  'add-path',
  'echo',
  'internal-set-repo-path',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
]);

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
  readonly old: boolean;
}

/** Reads the lines of a step as the runner does: obeys commands and gives back what the log shows. */
export class WorkflowCommands {
  readonly annotations: Annotation[] = [];
  readonly injected: string[] = [];
  private readonly masks = new Set<string>();
  private resumeToken: string | undefined;

  /** The text of the line in the log; undefined where the command leaves none. */
  read(line: string): string | undefined {
    if (this.resumeToken !== undefined) {
      if (line.trim() === `::${this.resumeToken}::`) {
        this.resumeToken = undefined;
        return undefined;
      }
      return this.masked(line);
    }
    const command = parseCommand(line);
    if (command === undefined) return this.masked(line);
    if (command.old || neverOurs.has(command.name)) this.injected.push(line);
    return this.obey(command);
  }

  masked(text: string): string {
    let shown = text;
    for (const mask of this.masks) shown = shown.replaceAll(mask, '***');
    return shown;
  }

  private obey(command: Command): string | undefined {
    switch (command.name) {
      case 'add-mask':
        for (const part of [command.data, ...command.data.split(/\r?\n/u)]) if (part.trim() !== '') this.masks.add(part);
        return undefined;
      case 'stop-commands':
        this.resumeToken = command.data;
        return undefined;
      case 'error':
      case 'warning':
      case 'notice': {
        const message = this.masked(command.data);
        this.annotations.push({ level: command.name, message, properties: command.properties });
        return `##[${command.name}]${message}`;
      }
      case 'group':
        return `##[group]${this.masked(command.data)}`;
      case 'endgroup':
        return '##[endgroup]';
      case 'debug':
        return `##[debug]${this.masked(command.data)}`;
      default:
        return undefined;
    }
  }
}

function parseCommand(line: string): Command | undefined {
  const fresh = /^::([^\s:]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/su.exec(line.trim());
  if (fresh !== null && registered.has((fresh[1] ?? '').toLowerCase())) {
    return {
      name: (fresh[1] ?? '').toLowerCase(),
      properties: parseProperties(fresh[2] ?? '', ','),
      data: decoded(fresh[3] ?? ''),
      old: false,
    };
  }
  const old = /##\[([^\s\]]+)(?: ([^\]]*))?\](.*)$/su.exec(line);
  if (old !== null && registered.has((old[1] ?? '').toLowerCase())) {
    return { name: (old[1] ?? '').toLowerCase(), properties: parseProperties(old[2] ?? '', ';'), data: decoded(old[3] ?? ''), old: true };
  }
  return undefined;
}

function parseProperties(text: string, separator: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=');
    if (equals > 0)
      properties[pair.slice(0, equals).trim()] = decoded(pair.slice(equals + 1))
        .replaceAll('%3A', ':')
        .replaceAll('%2C', ',');
  }
  return properties;
}

function decoded(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
