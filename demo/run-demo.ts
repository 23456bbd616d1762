import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { type ServedSandbox, serve } from '../sandbox/serve.ts';
import { type ActionResult, startAction } from '../test/runner/run-action.ts';
import { type Check, checkBad, checkClean, checkGood } from './checks.ts';
import { showSummary } from './job-summary.ts';
import { drawPicture } from './picture.ts';
import { type Release, readLine, showLine, startRelease } from './release.ts';
import { badTag, count, createShop, deployment, goodTag, inputsFor, namespace, ratePerSecond, seconds, startTag } from './scene.ts';
import type { Screen } from './screen.ts';
import { type Line, span } from './styled.ts';
import { createTrafficMeter, type Presence, type TrafficMeter } from './traffic-meter.ts';

export type DemoOptions = {
  readonly screen: Screen;
  /** Cancels the run that is under way, as the button on GitHub's page does; what was begun is taken back. */
  readonly cancel: AbortSignal;
  /** Where action.yml and dist/ are; left out, this checkout. */
  readonly actionFolder?: string;
};

type Stage = Omit<DemoOptions, 'actionFolder'> & {
  readonly actionFolder: string | undefined;
  readonly sandbox: Sandbox;
  readonly served: ServedSandbox;
};

type Released = { readonly result: ActionResult; readonly presence: Presence };

const summaryPath = 'node_modules/.cache/gated-rollout-demo/summary.md';
const summaryFile = new URL(`../${summaryPath}`, import.meta.url);
const frameMs = 100;
const cancelledCode = 130;
const quietMs = 400;
const quietPatienceMs = 2_000;

/** Releases a good image and then a bad one with dist/, on a cluster in this process. The answer is the exit code: 0 only if the cluster shows it. */
export async function runDemo({ screen, cancel, actionFolder }: DemoOptions): Promise<number> {
  const sandbox = createShop();
  const served = await serve(sandbox, { namespace });
  const stage: Stage = { screen, cancel, actionFolder, sandbox, served };
  try {
    const checks: Check[] = [];
    const good = await release(stage, goodTag, startTag);
    if (cancel.aborted) return sayCancelled(stage);
    checks.push(checkGood(sandbox, good.result));
    const bad = await release(stage, badTag, goodTag);
    if (cancel.aborted) return sayCancelled(stage);
    checks.push(checkBad(sandbox, bad.result), checkClean(sandbox));
    screen.settle();
    sayEnd(screen, bad, checks);
    return checks.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    screen.end();
    await served.close();
  }
}

async function release({ screen, cancel, actionFolder, sandbox, served }: Stage, tag: string, previous: string): Promise<Released> {
  const what = `${count(ratePerSecond)} requests/s`;
  screen.log([]);
  screen.log([span(`▶ release ${tag} to Deployment ${namespace}/${deployment}: 4 replicas, ${what}`, { colour: 'cyan', weight: 'bold' })]);
  let view: Release = startRelease(tag, previous, sandbox.now());
  const meter = createTrafficMeter(sandbox, tag);
  const draw = (): void => {
    meter.sample();
    screen.draw(drawPicture(sandbox, view, meter, screen.columns()));
  };
  const frames = setInterval(draw, frameMs);
  const action = startAction({
    inputs: inputsFor(tag, served),
    ...(actionFolder === undefined ? {} : { actionFolder }),
    onLine(line) {
      view = readLine(view, line);
      const shown = showLine(line);
      if (shown !== undefined) screen.log(shown);
    },
  });
  const onCancel = (): void => {
    screen.log([span('■ cancelled: the runner sends SIGINT, the action takes back what it began', { colour: 'yellow', weight: 'bold' })]);
    void action.cancel();
  };
  cancel.addEventListener('abort', onCancel);
  if (cancel.aborted) onCancel();
  try {
    const result = await action.done;
    view = { ...view, endedAtMs: sandbox.now() };
    if (result.outputs['result'] !== 'promoted') await untilQuiet(meter);
    return { result, presence: meter.presence() };
  } finally {
    cancel.removeEventListener('abort', onCancel);
    clearInterval(frames);
    draw();
  }
}

/** The proxies hear of an end a moment after the action: until then clients may still get the bad version's answers. */
async function untilQuiet(meter: TrafficMeter): Promise<void> {
  for (let waitedMs = 0; waitedMs < quietPatienceMs && meter.presence().quietMs < quietMs; waitedMs += frameMs) await sleep(frameMs);
}

function sayCancelled({ screen, sandbox }: Stage): number {
  screen.settle();
  screen.log([]);
  screen.log(checkLine(checkClean(sandbox)));
  return cancelledCode;
}

function sayEnd(screen: Screen, { result: bad, presence }: Released, checks: readonly Check[]): void {
  const say = (...lines: readonly Line[]): void => {
    for (const line of lines) screen.log(line);
  };
  mkdirSync(new URL('.', summaryFile), { recursive: true });
  writeFileSync(summaryFile, bad.summary);
  say(
    [],
    [span(`Job summary of the release of ${badTag}`, { colour: 'cyan', weight: 'bold' })],
    [span(`  as GitHub gets it: ${summaryPath}`, { weight: 'dim' })],
    [],
  );
  say(...showSummary(bad.summary, screen.columns()));
  const verdict = bad.annotations.find(({ level }) => level === 'error')?.message;
  say([]);
  if (verdict !== undefined) say([span(`✖ ${badTag}: ${verdict}`, { colour: 'red', weight: 'bold' })]);
  const { ms, clients } = presence;
  say(
    [span(`  ${seconds(ms)}`.padEnd(9), { weight: 'bold' }), span(`from the first answer of ${badTag} to a client until its last`)],
    [
      span(`  ${count(clients.failed)}`.padEnd(9), { weight: 'bold' }),
      span(`errors that clients saw meanwhile, in ${count(clients.answered)} requests`),
    ],
    [],
    ...checks.map(checkLine),
  );
}

function checkLine({ text, holds }: Check): Line {
  return [span(holds ? '✔' : '✘', { colour: holds ? 'green' : 'red', weight: 'bold' }), span(` ${text}`, holds ? {} : { colour: 'red' })];
}
