import { clusterName } from './cluster.ts';
import { runScript, UserError } from './command.ts';
import { withLock } from './lock.ts';
import { sweep } from './sweep.ts';
import { timed } from './wait.ts';

async function down(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new UserError('Taking the test cluster down needs root, as bringing it up did: run the same command with sudo.');
  }
  await timed('sweep', sweep);
  console.log(`${clusterName} is down`);
}

await runScript(() => withLock(down));
