import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

// Each runs in real time and mostly waits.
describe.concurrent('npm run demo', () => {
  it('promotes the good image, takes the bad one back, and says so with exit code 0', async ({ expect }) => {
    const { code, output, seconds } = await run(['demo/main.ts']);
    expect(output).toMatch(/✖ v3: canary [\d.]+ % errors \(\d+ of [\d,]+\) against stable .* with 99\.99 % confidence/u);
    expect(output).toMatch(/^ {2}\d+\.\d s +from the first answer of v3 to a client until its last$/mu);
    expect(output).toMatch(/^ {2}\d+ +errors that clients saw meanwhile, in [\d,]+ requests$/mu);
    expect(output.match(/^[✔✘] .*$/gmu)).toEqual([
      expect.stringMatching(/^✔ v2 was promoted .*: the Deployment runs shop\/web:v2$/u),
      expect.stringMatching(/^✔ v3 was taken back .*: the Deployment still runs shop\/web:v2$/u),
      '✔ nothing of the rollout is left in the cluster',
    ]);
    expect(output).not.toContain('\u001b');
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(60);
  });

  it('fails when the gate of the action always passes', async ({ expect }) => {
    const { code, output } = await run(['test/demo/demo-of.ts', actionWhoseGateAlwaysPasses()]);
    expect(output.match(/^[✔✘] v3.*$/gmu)).toEqual([
      expect.stringMatching(/^✘ v3 was not taken back .*: the Deployment runs shop\/web:v3$/u),
    ]);
    expect(code).toBe(1);
  });

  it('takes the canary back when it is cancelled with Ctrl-C, and does not go on', async ({ expect }) => {
    const { code, output } = await run(['demo/main.ts'], '▾ Step 1');
    expect(output).toContain('▾ Take the canary back');
    expect(output).not.toContain('▶ release v3');
    expect(output.match(/^[✔✘] .*$/gmu)).toEqual(['✔ nothing of the rollout is left in the cluster']);
    expect(code).toBe(130);
  });
});

describe('docs/demo.svg', () => {
  const svg = readFileSync(join(root, 'docs/demo.svg'), 'utf8');

  it('is small and needs nothing from elsewhere', () => {
    expect(Buffer.byteLength(svg)).toBeLessThan(400_000);
    expect(svg).not.toMatch(/<script|<foreignObject|@import|@font-face|url\((?!#)|href="(?!#)/u);
  });

  it('names no machine', () => {
    expect(svg).not.toMatch(/\/(?:home|root|tmp|work|Users)\//u);
  });
});

function actionWhoseGateAlwaysPasses(): string {
  const folder = mkdtempSync(join(tmpdir(), 'always-pass-'));
  folders.push(folder);
  cpSync(join(root, 'action.yml'), join(folder, 'action.yml'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  const file = join(folder, 'dist/index.js');
  let bundle = readFileSync(file, 'utf8');
  const blindfolds: readonly (readonly [RegExp, string])[] = [
    [/function judgeMetrics\([^)]*\) \{/gu, "$& return { kind: 'pass', because: 'nobody looked' };"],
    // A step would still not give way to a larger one while the errors lean against the canary.
    [/function reasonToHold\([^)]*\) \{/gu, '$& return undefined;'],
  ];
  for (const [gate, blind] of blindfolds) {
    expect(bundle.match(gate)).toHaveLength(1);
    bundle = bundle.replace(gate, blind);
  }
  writeFileSync(file, bundle);
  return folder;
}

/** `interruptAt`: what the output has when SIGINT comes. */
async function run(args: readonly string[], interruptAt?: string): Promise<{ code: number | null; output: string; seconds: number }> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let isInterrupted = false;
  const take = (chunk: string): void => {
    output += chunk;
    if (interruptAt === undefined || isInterrupted || !output.includes(interruptAt)) return;
    isInterrupted = true;
    child.kill('SIGINT');
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  return { code, output, seconds: (performance.now() - startMs) / 1000 };
}
