import { join } from 'node:path';
import { run, runScript } from './command.ts';
import { runInside } from './harness/inside-network.ts';

const root = join(import.meta.dirname, '../..');

/** `npm run compare [-- SCENE …]`: the same calls to the sandbox and to the real API server, their answers field by field. */
await runScript(async () => {
  await run([process.execPath, join(root, 'test/cluster/up.ts')], { onOutput: (text) => void process.stdout.write(text) });
  process.exitCode = await runInside([join(root, 'test/sandbox/compare/run.ts'), ...process.argv.slice(2)]);
});
