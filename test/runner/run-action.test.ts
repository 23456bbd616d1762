import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseActionFile } from './action-file.ts';
import { parseKeyValueFile } from './file-commands.ts';
import { startAction } from './run-action.ts';
import { WorkflowCommands } from './workflow-commands.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeAction(main: string, post = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'action-'));
  folders.push(folder);
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(folder, 'action.yml'),
    'name: x\ninputs:\n  min-duration:\n    description: >-\n      one\n      two\n    default: "60s"\n  two words:\n    required: true\nruns:\n  using: node24\n  main: dist/main.js\n  post: dist/post.js\n',
  );
  writeFileSync(join(folder, 'dist/main.js'), `import { appendFileSync } from "node:fs";\n${main}`);
  writeFileSync(join(folder, 'dist/post.js'), post);
  return folder;
}

describe('startAction', () => {
  test('gives inputs and takes outputs, state and summary, also to post', async () => {
    const main = `
      appendFileSync(process.env.GITHUB_OUTPUT, "result<<E\\n" + process.env["INPUT_MIN-DURATION"] + "\\n" + process.env.INPUT_TWO_WORDS + "\\nE\\n");
      appendFileSync(process.env.GITHUB_STATE, "uid=7\\n");
      appendFileSync(process.env.GITHUB_ENV, "ADDED=yes\\n");
      appendFileSync(process.env.GITHUB_STEP_SUMMARY, "# done");
      process.exitCode = 3;`;
    const post = "console.log(process.env.STATE_uid, process.env.ADDED, process.env.GITHUB_STATE.endsWith('post_state'));";
    const run = await startAction({ actionFolder: makeAction(main, post), inputs: { 'two words': 'b' } }).done;
    expect(run).toMatchObject({ code: 3, outputs: { result: '60s\nb' }, state: { uid: '7' }, summary: '# done' });
    expect(run.post?.log.map((line) => line.line)).toEqual(['7 yes true']);
  });

  test('takes what was written before a kill, and runs post unless the machine is lost', async () => {
    const main = `appendFileSync(process.env.GITHUB_STATE, "uid=7\\n"); console.log("ready"); setInterval(() => {}, 1000);`;
    const folder = makeAction(main, "console.log('post ran');");
    for (const skipPost of [false, true]) {
      const running = startAction({
        actionFolder: folder,
        inputs: {},
        skipPost,
        onLine: (line) => line === 'ready' && running.kill('SIGKILL'),
      });
      const run = await running.done;
      expect(run).toMatchObject({ code: null, signal: 'SIGKILL', state: { uid: '7' } });
      expect(run.post === undefined).toBe(skipPost);
    }
  });

  test('climbs the ladder when cancelled', async () => {
    const main = `for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => console.log(s)); console.log("ready"); setInterval(() => {}, 1000);`;
    const running = startAction({
      actionFolder: makeAction(main),
      inputs: {},
      onLine: (line) => void (line === 'ready' && running.cancel()),
    });
    const run = await running.done;
    expect(run.log.map((line) => line.line)).toEqual(['ready', 'SIGINT', 'SIGTERM']);
    expect(run.signal).toBe('SIGKILL');
    const [, interrupted, terminated] = run.log.map((line) => line.tMs);
    expect((terminated ?? 0) - (interrupted ?? 0)).toBeGreaterThan(7_000);
  });
});

describe('WorkflowCommands', () => {
  test.each([
    ['::add-mask::s3cret', 'the s3cret', 'the ***'],
    ['::stop-commands::pause', '::error::not obeyed', '::error::not obeyed'],
    ['::stop-commands::pause', 'a ##[error]not obeyed', 'a ##[error]not obeyed'],
    ['nothing', '  ::unknown::text', '  ::unknown::text'],
  ])('after %s shows %s as %s', (before, line, shown) => {
    const commands = new WorkflowCommands();
    commands.read(before);
    expect(commands.read(line)).toBe(shown);
    expect(commands.annotations).toEqual([]);
    expect(commands.injected).toEqual([]);
  });

  test('obeys again after the token', () => {
    const commands = new WorkflowCommands();
    for (const line of ['::stop-commands::pause', '::error::one', '::pause::', '::warning title=T%2C,line=3::two%0Athree'])
      commands.read(line);
    expect(commands.annotations).toEqual([{ level: 'warning', message: 'two\nthree', properties: { title: 'T,', line: '3' } }]);
  });

  test.each(['pod says ##[error]x', '::set-output name=a::b', '  ::save-state name=a::b', 'x ##[add-mask]web'])(
    'notices that %s came out of data',
    (line) => {
      const commands = new WorkflowCommands();
      commands.read(line);
      expect(commands.injected).toEqual([line]);
    },
  );
});

describe('files', () => {
  test('reads our own action.yml', () => {
    const action = parseActionFile(readFileSync(resolve(import.meta.dirname, '../../action.yml'), 'utf8'));
    expect(action).toMatchObject({ using: 'node24', postIf: 'always()' });
    expect(action.inputs.get('dead-man')).toMatchObject({ fallback: '4m' });
    expect(action.inputs.get('timeout')).toMatchObject({ fallback: '30m' });
  });

  test('reads values with equals signs, several lines and delimiters', () => {
    expect(parseKeyValueFile('a=b=c\nd<<X\n1\n\n2\nX\n\ne<<Y\nY\n')).toEqual({ a: 'b=c', d: '1\n\n2', e: '' });
    expect(() => parseKeyValueFile('d<<X\n1\n')).toThrow(/delimiter/);
    expect(() => parseKeyValueFile('nonsense\n')).toThrow(/Invalid format/);
  });
});
