import type { Report } from '../../src/rollout/explain/report.ts';

export const report: Report = {
  command: 'deploy',
  target: { namespace: 'shop', deployment: 'web' },
  strategy: 'canary',
  judgedBy: 'metrics',
  images: [{ container: 'web', index: 0, from: 'sample:v1', to: 'sample:v2' }],
  outcome: {
    result: 'rolled-back',
    reason: 'metrics-failed',
    because: '31 of 60 requests to the canary failed, at most 0.63 % may',
    evidence: ['GET / 500', '```', '::error::mine'],
  },
  plannedSteps: [{ weightPercent: 10, canaryReplicas: 1, sharePercent: 25, holdMs: 30_000, mergedPercents: [] }],
  timeline: [
    { atMs: Date.UTC(2026, 10, 20, 12, 0, 0), phase: 'step 1', text: 'canary scaled to 1 pod', because: 'the fence is ours' },
    { atMs: Date.UTC(2026, 10, 20, 12, 0, 42), phase: 'reverting', text: 'Job deleted', because: 'the canary fails | often' },
  ],
  numbers: { canary: { requests: 60, errors: 31 }, stable: { requests: 200, errors: 0 }, limitRate: 0.00625, confidence: 0.999 },
  leftovers: [],
  runUrl: 'https://github.com/acme/shop/actions/runs/1',
  startedAtMs: 0,
  endedAtMs: 75_000,
};
