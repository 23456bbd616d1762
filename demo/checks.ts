import type { Sandbox } from '../sandbox/sandbox.ts';
import type { ActionResult } from '../test/runner/run-action.ts';
import { badTag, deployedImage, goodTag, namespace, seconds } from './scene.ts';

export type Check = { readonly text: string; readonly holds: boolean };

const goodImage = `shop/web:${goodTag}`;

export function checkGood(sandbox: Sandbox, result: ActionResult): Check {
  const { image, complete } = deployedImage(sandbox);
  const holds = result.outputs['result'] === 'promoted' && result.code === 0 && image === goodImage && complete;
  return {
    holds,
    text: `${goodTag} was ${holds ? 'promoted' : 'not promoted'} in ${secondsOf(result)}: the Deployment runs ${image}${complete ? '' : ', not complete'}`,
  };
}

export function checkBad(sandbox: Sandbox, result: ActionResult): Check {
  const { image, complete } = deployedImage(sandbox);
  const holds = result.outputs['result'] === 'rolled-back' && result.code === 1 && image === goodImage && complete;
  return {
    holds,
    text: `${badTag} was ${holds ? 'taken back' : 'not taken back'} in ${secondsOf(result)}: the Deployment ${holds ? 'still runs' : 'runs'} ${image}${complete ? '' : ', not complete'}`,
  };
}

export function checkClean(sandbox: Sandbox): Check {
  const left = [...sandbox.list('jobs', namespace), ...sandbox.list('deployments', namespace).slice(1)];
  const holds = left.length === 0;
  return {
    holds,
    text: holds
      ? 'nothing of the rollout is left in the cluster'
      : `left in the cluster: ${left.map(({ metadata }) => metadata.name).join(', ')}`,
  };
}

function secondsOf({ startedAtMs, endedAtMs }: ActionResult): string {
  return seconds(endedAtMs - startedAtMs);
}
