import { resolve } from 'node:path';
import { attempt, runScript, UserError } from './command.ts';
import { describeSpread, describeTable, readResults, type ScenarioResult } from './harness/results.ts';
import { findTarget } from './harness/target.ts';

/** `npm run soak -- NAME [TIMES]`: the same scenarios again and again, those of `test/cluster/soak/` too, and what their figures come to. */
async function main(): Promise<void> {
  const [name, times = '5'] = process.argv.slice(2).filter((argument) => argument !== '--');
  if (name === undefined || !(Number(times) >= 1)) throw new UserError('usage: npm run soak -- NAME [TIMES]');
  const results: ScenarioResult[] = [];
  for (let round = 1; round <= Number(times); round += 1) {
    const script = resolve(import.meta.dirname, 'run.ts');
    const { stdout } = await attempt([process.execPath, script, name], { env: { ...process.env, REPEAT: '1', SOAK: '1' } });
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    print(`round ${round} of ${times}: ${last}`);
    const found = readResults(findTarget().resultsFile);
    if (found.length === 0) throw new UserError(`no scenario is named "${name}"\n${stdout}`);
    for (const result of found.filter((one) => one.problem !== undefined))
      print(`  ${result.scenario}: ${result.problem?.split('\n')[0]}\n  ${result.logs.join(' ')}`);
    results.push(...found);
  }
  for (const line of ['', ...describeTable(results), ...describeSpread(results)]) print(line);
  const failed = results.filter((result) => result.verdict === 'failed').length;
  print(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await runScript(main);
