import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const batch = { seconds: 15, canary: { errors: 75, requests: 150 }, stable: { errors: 5, requests: 1350 } };

function replay(file: object | string, ...flags: readonly string[]) {
  writeFileSync(join(folder, 'samples.json'), typeof file === 'string' ? file : JSON.stringify(file));
  const env = { ...process.env, INIT_CWD: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/replay.ts', 'samples.json', ...flags], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('npm run -s replay', () => {
  test('prints a line for each batch, and nothing else', () => {
    const { status, stdout, stderr } = replay({ rule: { maxErrorIncrease: '1.25x + 0.5%' }, batches: [batch, batch] });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual(
      Array.from({ length: 2 }, () => ['logEvidenceBad', 'logEvidenceOk', 'verdict']),
    );
    expect(lines[1]).toContain('"verdict":"fail"');
    expect([status, stderr]).toEqual([0, '']);
  });

  test('obeys flags in both forms', () => {
    const { stdout } = replay({ rule: {}, batches: [batch, batch] }, '--max-error-increase', '100x + 50%', '--dispersion=2');
    expect(stdout).not.toContain('fail');
  });

  test.each<[string, object | string, readonly string[], string]>([
    ['a wrong file', '{', [], 'not JSON'],
    ['a wrong last batch', { rule: {}, batches: [batch, { ...batch, seconds: 'x' }] }, [], 'batches[1].seconds: "x" is not valid'],
    ['a flag that does not exist', { rule: {}, batches: [batch] }, ['--alpha', '0.1'], '--alpha: there is no such flag'],
    ['two files', { rule: {}, batches: [batch] }, ['other.json'], '2 files are given'],
    ['a flag twice', { rule: {}, batches: [batch] }, ['--dispersion=1', '--dispersion=2'], '--dispersion is given twice'],
  ])('refuses %s with nothing on stdout', (_, file, flags, problem) => {
    const { status, stdout, stderr } = replay(file, ...flags);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(problem);
  });

  test('refuses a file that does not exist', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/replay.ts'), 'none.json'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('cannot be read');
  });
});

describe('command: replay', () => {
  test('needs no cluster, prints the lines, and is no error whatever the verdict', () => {
    const samples = join(folder, 'step.json');
    writeFileSync(samples, JSON.stringify({ rule: {}, batches: [batch, batch] }));
    writeFileSync(join(folder, 'output'), '');
    writeFileSync(join(folder, 'state'), '');
    const env = {
      PATH: process.env['PATH'],
      INPUT_COMMAND: 'replay',
      INPUT_SAMPLES: samples,
      GITHUB_OUTPUT: join(folder, 'output'),
      GITHUB_STATE: join(folder, 'state'),
    };
    const { status, stdout } = spawnSync(process.execPath, [join(root, 'src/main.ts')], { env, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('"verdict":"fail"}\n');
    expect(stdout).toContain('::notice title=Done (replayed)::replayed 2 batches or readings: fail');
    expect(readFileSync(join(folder, 'output'), 'utf8')).toMatch(/^result<<.*\ndone\n/);
  });
});
