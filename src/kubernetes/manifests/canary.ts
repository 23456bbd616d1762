import { trackLabel } from '../../rollout/names.ts';
import type { Plan } from '../../rollout/plan/plan.ts';
import type { RawDeployment, RawTemplate } from '../raw.ts';
import { releasedTemplate } from '../template-fields.ts';
import { canaryLabels, canaryMetadata } from './canary-metadata.ts';
import { trialManifest } from './trial.ts';

/** Seconds that a canary container goes on serving after it was told to stop: until then every node knows that it is gone. */
const preStopSleepSeconds = 3;
const graceSecondsMin = 6;

/** The second Deployment: the stable template with the new images and configuration. Without a Job uid (for a dry run) it has no owner. */
export function canaryManifest(plan: Plan, stable: RawDeployment, replicas: number, jobUid: string | undefined): RawDeployment {
  if (plan.trial !== undefined) return trialManifest(plan, plan.trial, stable, replicas, jobUid);
  const ours = canaryLabels(plan, jobUid);
  const spec = stable.spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: canaryMetadata(plan, jobUid),
    spec: {
      replicas,
      revisionHistoryLimit: 0,
      ...(spec?.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: {
        ...spec?.selector,
        matchLabels: { ...spec?.selector.matchLabels, [trackLabel]: 'canary' },
      },
      template: canaryTemplate(plan, spec?.template ?? {}, ours),
    },
  };
}

function canaryTemplate(plan: Plan, stable: RawTemplate, labels: Readonly<Record<string, string>>): RawTemplate {
  const template = releasedTemplate(plan, stable);
  const graceSeconds = template.spec?.terminationGracePeriodSeconds ?? 30;
  const containers = (template.spec?.containers ?? []).map((container) => {
    if (!plan.sleepBeforeStop || container.lifecycle?.preStop !== undefined || graceSeconds < graceSecondsMin) return container;
    return { ...container, lifecycle: { ...container.lifecycle, preStop: { sleep: { seconds: preStopSleepSeconds } } } };
  });
  return {
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    spec: { ...template.spec, containers },
  };
}
