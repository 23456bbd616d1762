import { resolve } from 'node:path';
import { parseReplayFlags } from '../src/config/replay-inputs.ts';
import { UserError } from '../src/errors.ts';
import { replayFile } from '../src/replay.ts';

const usage = 'npm run -s replay -- FILE [--max-error-increase "1.5x + 0.1%"] [--max-error-rate 1%] [--dispersion 3] …';

/** `--name value` and `--name=value`; everything else is the file. */
function parseArguments(args: readonly string[]): { readonly files: readonly string[]; readonly flags: ReadonlyMap<string, string> } {
  const files: string[] = [];
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/su.exec(args[i] ?? '') ?? [];
    if (name === undefined) files.push(args[i] ?? '');
    else if (flags.has(name)) throw new UserError('inputs-invalid', `--${name} is given twice`, usage);
    else if (value !== undefined) flags.set(name, value);
    else {
      i += 1;
      flags.set(name, args[i] ?? '');
    }
  }
  return { files, flags };
}

function main(): void {
  const { files, flags } = parseArguments(process.argv.slice(2));
  const settings = parseReplayFlags(flags);
  const [file] = files;
  if (file === undefined || files.length !== 1)
    throw new UserError('inputs-invalid', `${files.length} files are given; valid is one`, usage);
  // npm runs scripts in the package's folder, and the path was typed in another one.
  const lines = replayFile(resolve(process.env['INIT_CWD'] ?? '.', file), settings);
  process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint}\n`);
  process.exitCode = 1;
}
