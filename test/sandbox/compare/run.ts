import { readFileSync } from 'node:fs';
import { createSandbox, type Identity } from '../../../sandbox/sandbox.ts';
import { clusterJson } from '../../cluster/cluster.ts';
import { reasonFor } from './accepted.ts';
import { type Difference, differences, normalise } from './normalise.ts';
import { collection, deadMan, jobLife } from './scenes-jobs.ts';
import { ailments, permissions, ROLE, serving } from './scenes-pods.ts';
import { deadlines, quota, rollouts, strategies } from './scenes-rollouts.ts';
import { bookkeeping, conflicts, patches, validation } from './scenes-writes.ts';
import { type Cluster, createSide, realCluster, type Side, sandboxCluster } from './side.ts';

/** Plays every scene on the sandbox and on the real cluster and compares the answers, field by field. */
type Scene = (side: Side, limitedToken: string) => Promise<void>;
const SCENES: readonly (readonly [string, Scene])[] = [
  ['patches', patches],
  ['conflicts', conflicts],
  ['validation', validation],
  ['bookkeeping', bookkeeping],
  ['job', jobLife],
  ['dead-man', deadMan],
  ['collection', collection],
  ['strategies', strategies],
  ['deadlines', deadlines],
  ['quota', quota],
  ['ailments', ailments],
  ['serving', serving],
  ['permissions', permissions],
  ...rollouts,
];
const SCENES_AT_ONCE = 3;
const ACCOUNT = 'limited';

const out = (line: string) => process.stdout.write(`${line}\n`);
const info = JSON.parse(readFileSync(clusterJson, 'utf8')) as { server: string; token: string };
const real = realCluster(info.server, info.token);
const wanted = process.argv.slice(2);
const run = Math.random().toString(36).slice(2, 7);

function sandboxFor(namespace: string): Cluster {
  const user = `system:serviceaccount:${namespace}:${ACCOUNT}`;
  const limited: Identity = { user, roles: [{ namespace, rules: ROLE }] };
  const sandbox = createSandbox({
    seed: 1,
    startMs: Date.parse('2026-01-01T00:00:00Z'),
    images: {
      'sample:v1': {},
      'sample:v2': {},
      'sample:v3': {},
      'sample:crash-at-start': { crashAtStart: true, exitCode: 3, lastWords: [CRASH] },
    },
    tokens: { admin: { user: 'admin', roles: 'all' }, limited },
  });
  return sandboxCluster(sandbox, 'admin');
}
const CRASH = 'panic: sample crash-at-start: cannot open the database: connection refused';

async function prepare(namespace: string): Promise<string> {
  const must = async (path: string, body: object) => {
    const answer = await real.send({ method: 'POST', path, body });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must('/api/v1/namespaces', { metadata: { name: namespace } });
  await must(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: ACCOUNT } });
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await must(`${rbac}/roles`, { metadata: { name: ACCOUNT }, rules: ROLE });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT };
  const subjects = [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }];
  await must(`${rbac}/rolebindings`, { metadata: { name: ACCOUNT }, roleRef, subjects });
  const token = await must(`/api/v1/namespaces/${namespace}/serviceaccounts/${ACCOUNT}/token`, { spec: {} });
  for (let tries = 0; tries < 100; tries += 1) {
    const account = await real.send({ method: 'GET', path: `/api/v1/namespaces/${namespace}/serviceaccounts/default` });
    if (account.status === 200) break;
    await real.pass(50);
  }
  return String(token['status']?.['token']);
}

async function compare([name, scene]: readonly [string, Scene]): Promise<{ calls: number; unlisted: number; listed: number }> {
  const namespace = `sbx-${run}-${name}`;
  const sandboxSide = createSide(sandboxFor(namespace), namespace);
  await scene(sandboxSide, 'limited');
  const token = await prepare(namespace);
  const realSide = createSide(real, namespace);
  try {
    await scene(realSide, token);
  } catch (error) {
    out(`${name}: the scene did not end on the cluster: ${(error as Error).message}`);
  } finally {
    await real.send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  }
  const counts = { calls: realSide.recorded.length, unlisted: 0, listed: 0 };
  const told = new Set<string>();
  if (realSide.recorded.length !== sandboxSide.recorded.length) counts.unlisted += 1;
  realSide.recorded.forEach(({ label, answer }, index) => {
    const other = sandboxSide.recorded[index]?.answer ?? { status: 0, body: {} };
    const found: Difference[] = [...differences(normalise(answer.body, namespace), normalise(other.body, namespace))];
    if (answer.status !== other.status) found.unshift({ path: 'status code', real: answer.status, sandbox: other.status });
    for (const difference of found) {
      const reason = reasonFor(name, label, difference);
      if (reason !== undefined) {
        counts.listed += 1;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        continue;
      }
      counts.unlisted += 1;
      const show = (value: unknown) => (JSON.stringify(value) ?? 'missing').slice(0, 300);
      const what = `${difference.path}\n    real    ${show(difference.real)}\n    sandbox ${show(difference.sandbox)}`;
      if (!told.has(what)) out(`${name} | ${label} | ${what}`);
      told.add(what);
    }
  });
  return counts;
}

const queue = SCENES.filter(([name]) => wanted.length === 0 || wanted.includes(name));
const reasons = new Map<string, number>();
const total = { calls: 0, unlisted: 0, listed: 0 };
async function work(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const counts = await compare(next);
    total.calls += counts.calls;
    total.unlisted += counts.unlisted;
    total.listed += counts.listed;
  }
}
await Promise.all(Array.from({ length: SCENES_AT_ONCE }, work));
for (const [reason, count] of reasons) out(`${count} listed: ${reason}`);
out(`${total.calls} calls compared, ${total.unlisted} differences not listed, ${total.listed} listed with a reason`);
process.exitCode = total.unlisted > 0 ? 1 : 0;
