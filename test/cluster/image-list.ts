import type { ProgramName } from './build.ts';

export interface ImageSpec {
  readonly program: ProgramName;
  readonly repository: string;
  readonly tag: string;
  /** Behaviour is baked in, so that a release of another tag is all it takes to change it. */
  readonly env: Readonly<Record<string, string>>;
  /** Other programs in the image, and where. */
  readonly beside?: Partial<Readonly<Record<ProgramName, string>>>;
}

const samples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: {},
  v2: {},
  v3: {},
  latest: {},
  // Pods name this one by its digest alone.
  digest: {},
  'errors-half': { ERROR_RATE: '0.5' },
  'errors-5pct': { ERROR_RATE: '0.05' },
  'errors-05pct': { ERROR_RATE: '0.005' },
  'errors-05pct-b': { ERROR_RATE: '0.005' },
  'errors-30pct-a': { ERROR_RATE: '0.3' },
  'errors-30pct-b': { ERROR_RATE: '0.3' },
  'fails-after-5': { FAIL_AFTER: '5' },
  'crash-at-start': { CRASH_AT_START: '1' },
  'never-ready': { NEVER_READY: '1' },
  slow: { LATENCY_MS: '300' },
  'otel-v1': { METRIC_NAMES: 'opentelemetry' },
  'otel-v2': { METRIC_NAMES: 'opentelemetry' },
  'otel-half': { METRIC_NAMES: 'opentelemetry', ERROR_RATE: '0.5' },
  'exit-at-once-v1': { EXIT_AT_ONCE: '1' },
  'exit-at-once-v2': { EXIT_AT_ONCE: '1' },
};

export const imageList: readonly ImageSpec[] = [
  ...Object.entries(samples).map(([tag, env]) => sample('sample', tag, { VERSION: tag, ...env })),
  sample('sidecar', 'v1', { VERSION: 'sidecar-v1', PORT: '9090' }),
  sample('sidecar', 'v2', { VERSION: 'sidecar-v2', PORT: '9090' }),
  // Another VERSION than sample:v2: equal content would make it the same image under two names.
  sample('registry.example:5000/team/sample', 'v2', { VERSION: 'team-v2' }),
  podinfo('6.9.2'),
  podinfo('6.9.3'),
  { program: 'load', repository: 'load', tag: 'v1', env: {} },
  { program: 'prometheus', repository: 'prometheus', tag: 'local', env: {} },
  { program: 'pause', repository: 'pause', tag: 'local', env: {} },
];

function sample(repository: string, tag: string, env: Readonly<Record<string, string>>): ImageSpec {
  return { program: 'sample', repository, tag, env };
}

/** As podinfo's own image: its own name, and beside the program the client that its probes run. */
function podinfo(tag: string): ImageSpec {
  const beside = { podcli: 'usr/local/bin/podcli' };
  return { program: 'podinfo', repository: 'ghcr.io/stefanprodan/podinfo', tag, env: { PODINFO_UI_MESSAGE: tag }, beside };
}

/** The key in cluster.json: the bare tag for `sample`, otherwise the repository's last part and the tag. */
export function imageKey(image: ImageSpec): string {
  if (image.repository === 'sample') {
    return image.tag;
  }
  return `${image.repository.replaceAll(/[^a-z0-9]+/g, '-')}-${image.tag}`;
}
