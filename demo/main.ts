import { serve } from '../sandbox/serve.ts';
import type { ActionResult } from '../test/runner/run-action.ts';
import { startAction } from '../test/runner/run-action.ts';
import { drawPicture } from './picture.ts';
import { badTag, createShop, deployedImage, deployment, goodTag, namespace, ratePerSecond } from './scene.ts';
import { createScreen } from './screen.ts';

const frameMs = 100;
const marks: Readonly<Record<string, string>> = { group: '▾', error: '✖', warning: '⚠', notice: 'ℹ' };

/** Releases a good image and then a bad one with the committed dist/, on a cluster in this process; exit code 0 only if the cluster shows it. */
async function main(): Promise<void> {
  const sandbox = createShop();
  const served = await serve(sandbox, { namespace });
  const screen = createScreen(process.stdout);
  const colours = process.stdout.isTTY;
  const bold = (text: string): string => (colours ? `\u001b[1m${text}\u001b[0m` : text);
  const frames = setInterval(() => screen.draw(drawPicture(sandbox, colours)), frameMs);
  const release = async (tag: string): Promise<ActionResult> => {
    screen.log(bold(`\n▶ release ${tag} to Deployment ${namespace}/${deployment}: 4 replicas, ${ratePerSecond} requests/s\n`));
    const inputs = {
      deployment,
      tag,
      kubeconfig: served.kubeconfig,
      prometheus: served.prometheusUrl,
      steps: '20% for 2s, 50%',
      'min-duration': '3s',
      'dead-man': '15s',
    };
    return startAction({ inputs, onLine: (line) => showLine(line, screen.log, bold) }).done;
  };

  const good = await release(goodTag);
  const afterGood = deployedImage(sandbox);
  const bad = await release(badTag);
  const afterBad = deployedImage(sandbox);
  clearInterval(frames);
  screen.draw(drawPicture(sandbox, colours));
  screen.end();
  await served.close();

  const failed = sandbox.traffic.clientStats().byVersion[badTag]?.failed ?? 0;
  const checks: readonly [string, boolean][] = [
    [
      `${goodTag} was promoted in ${secondsOf(good)} s: Deployment runs ${afterGood.image}`,
      good.outputs['result'] === 'promoted' && afterGood.image === `shop/web:${goodTag}` && afterGood.complete,
    ],
    [
      `${badTag} was taken back in ${secondsOf(bad)} s, after ${failed} errors that clients saw: Deployment still runs ${afterBad.image}`,
      bad.outputs['result'] === 'rolled-back' && bad.code === 1 && afterBad.image === `shop/web:${goodTag}` && afterBad.complete,
    ],
    ['nothing of the rollout is left in the cluster', sandbox.list('jobs').length === 0 && sandbox.list('deployments').length === 1],
  ];
  process.stdout.write('\n');
  for (const [text, holds] of checks) process.stdout.write(`${bold(holds ? '✔' : '✘')} ${text}\n`);
  process.stdout.write('\nThe job summary of the second release, as GitHub would show it:\n\n');
  process.stdout.write(`${bad.summary.trim()}\n`);
  process.exitCode = checks.every(([, holds]) => holds) ? 0 : 1;
}

/** The log as the web page of a run shows it. */
function showLine(line: string, log: (line: string) => void, bold: (text: string) => string): void {
  const command = /^##\[(group|endgroup|error|warning|notice)\](.*)$/u.exec(line);
  if (command === null) {
    log(`  ${line}`);
    return;
  }
  const [, name = '', text = ''] = command;
  const mark = marks[name];
  if (mark !== undefined) log(bold(`${mark} ${text}`));
}

function secondsOf(result: ActionResult): string {
  return ((result.endedAtMs - result.startedAtMs) / 1000).toFixed(1);
}

await main();
