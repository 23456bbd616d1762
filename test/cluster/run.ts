import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, runScript, UserError } from './command.ts';
import { runInside } from './harness/inside-network.ts';
import { describeResults, describeSpread, emptyResults, readResults } from './harness/results.ts';
import { findTarget } from './harness/target.ts';

const root = resolve(import.meta.dirname, '../..');

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** `npm run test:cluster [-- NAME]`: the scenarios whose names contain NAME, then their table. */
async function main(): Promise<void> {
  const startedMs = Date.now();
  if (!existsSync(join(process.env['ACTION_FOLDER'] ?? root, 'dist/index.js')))
    throw new UserError('dist/index.js is missing: run `npm run build` first');
  if (process.env['KUBECONFIG'] === undefined) {
    await run([process.execPath, join(root, 'test/cluster/up.ts')], { onOutput: (text) => void process.stdout.write(text) });
  }
  const { resultsFile } = findTarget();
  emptyResults(resultsFile);
  const counts = await runScenarios(process.argv.slice(2).filter((argument) => argument !== '--'));
  const results = readResults(resultsFile);
  print(['', describeResults(results), ...describeSpread(results), ''].join('\n'));
  print(`scenarios: ${Math.round((Date.now() - startedMs) / 1000)} s`);
  print(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function runScenarios(names: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'scenarios-'));
  try {
    const output = join(folder, 'result.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const filter = names.length === 0 ? [] : ['--testNamePattern', names.map(literal).join('|')];
    const args = [
      vitest,
      'run',
      '--config',
      join(root, 'test/cluster/vitest.config.ts'),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${output}`,
      ...filter,
    ];
    await runInside(args, { SCENARIOS_PID: String(process.pid) });
    if (!existsSync(output)) return { passed: 0, failed: 1 };
    const result = JSON.parse(readFileSync(output, 'utf8')) as { numPassedTests: number; numFailedTests: number; success: boolean };
    // A file that cannot be loaded has no tests, and is a failure all the same.
    const failed = result.numFailedTests === 0 && !result.success ? 1 : result.numFailedTests;
    return { passed: result.numPassedTests, failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function literal(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/gu, '\\$&');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await runScript(main);
