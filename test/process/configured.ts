import type { Sandbox } from '../../sandbox/sandbox.ts';
import { leftovers } from './invariants.ts';
import { namespace } from './scene.ts';
import type { Stage, StageOptions } from './stage.ts';

/** What a person has written down, and what releases bring later: a ConfigMap whose VERSION the pods answer with. */
export const manifest = (version: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace }, data: { VERSION: version } });
const probe = { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 };

/** An application that answers with a variable out of a ConfigMap, beside files that it mounts. */
export const configured: StageOptions = {
  configures: true,
  pod: {
    containers: [
      {
        name: 'app',
        image: 'shop/web:v1',
        ports: [{ containerPort: 8080 }],
        readinessProbe: probe,
        env: [{ name: 'MODE', value: 'a' }],
        envFrom: [{ configMapRef: { name: 'web' } }],
      },
    ],
    volumes: [
      { name: 'files', configMap: { name: 'web' } },
      { name: 'all', projected: { sources: [{ configMap: { name: 'web' } }] } },
    ],
  },
  spec: { revisionHistoryLimit: 1 },
  prepare: (sandbox) => void sandbox.apply(JSON.parse(manifest('by-hand')) as object),
};
/** No Prometheus, one step. */
export const quick = { prometheus: '', metrics: 'none', steps: '50%' };

export const templateOf = (sandbox: Sandbox) => sandbox.get('deployments', namespace, 'web')?.spec.template.spec;
export const annotationsOf = (sandbox: Sandbox) => sandbox.get('deployments', namespace, 'web')?.metadata.annotations ?? {};
/** Names of the versions of ConfigMaps that releases have made. */
export const versions = (sandbox: Sandbox): readonly string[] =>
  leftovers(sandbox).flatMap((left) => /^ConfigMap (.+)$/u.exec(left)?.[1] ?? []);
/** What envFrom and the two volumes name. */
export const referencesOf = (sandbox: Sandbox): readonly (string | undefined)[] => {
  const spec = templateOf(sandbox);
  return [
    spec?.containers[0]?.envFrom?.[0]?.configMapRef?.name,
    spec?.volumes?.[0]?.configMap?.name,
    spec?.volumes?.[1]?.projected?.sources[0]?.configMap?.name,
  ];
};
/** What the pods behind the Service answer with, now. */
export function answersOf(stage: Stage): readonly string[] {
  const { sandbox } = stage;
  const before = sandbox.traffic.clientStats().byVersion;
  sandbox.advance(1_000);
  const after = sandbox.traffic.clientStats().byVersion;
  return Object.keys(after).filter((version) => (after[version]?.ok ?? 0) > (before[version]?.ok ?? 0));
}
