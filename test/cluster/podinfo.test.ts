import { describe, test } from 'vitest';
import { PodinfoScene } from './harness/podinfo-scene.ts';

const strategies: readonly { readonly name: string; readonly inputs: Readonly<Record<string, string>> }[] = [
  { name: 'canary', inputs: { steps: '50%' } },
  { name: 'rolling', inputs: {} },
  { name: 'blue-green', inputs: {} },
];

/** Somebody else's application with its own manifests: what works on it works without a word of ours in them. */
describe.skipIf(process.env['KUBECONFIG'] !== undefined)('podinfo', () => {
  for (const serverSide of [false, true]) {
    const how = serverSide ? 'server-side' : 'client-side';
    const what = `released by every strategy, metrics found by themselves; afterwards kubectl apply (${how}) changes nothing`;
    test.concurrent(what, { timeout: 900_000 }, async ({ expect }) => {
      const scene = await PodinfoScene.create(`podinfo ${how}`, serverSide);
      try {
        for (const [index, { name, inputs }] of strategies.entries()) {
          const tag = index % 2 === 0 ? '6.9.3' : '6.9.2';
          const run = await scene.release({ strategy: name, tag, ...inputs });
          expect(run.outputs['result'], `${name} to ${tag}:\n${run.log.map((line) => line.line).join('\n')}`).toBe('promoted');
          expect(run.outputs['judged-by']).toBe('metrics');
          expect(await scene.problems()).toEqual([]);
          const { before, after } = await scene.applyAgain(tag, serverSide);
          expect(after, `apply after ${name} to ${tag}`).toEqual(before);
        }
      } finally {
        await scene.remove();
      }
    });
  }
});
