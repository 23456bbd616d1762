/** The shapes that the controllers read. Fields that nothing here looks at stay in the stored JSON untouched. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export type StringMap = Readonly<Record<string, string>>;

export type OwnerReference = Readonly<{
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}>;

export type ManagedFieldsEntry = Readonly<{
  manager: string;
  operation: string;
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: JsonObject;
  subresource?: string;
}>;

export type Metadata = Readonly<{
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: StringMap;
  annotations?: StringMap;
  ownerReferences?: readonly OwnerReference[];
  finalizers?: readonly string[];
  managedFields?: readonly ManagedFieldsEntry[];
}>;

export type Plain = Readonly<{ apiVersion: string; kind: string; metadata: Metadata }>;

export type Expression = Readonly<{ key: string; operator: string; values?: readonly string[] }>;
export type LabelSelector = Readonly<{ matchLabels?: StringMap; matchExpressions?: readonly Expression[] }>;

export type Probe = Readonly<{
  initialDelaySeconds?: number;
  periodSeconds: number;
  failureThreshold: number;
  successThreshold: number;
  timeoutSeconds: number;
  httpGet?: Readonly<{ path?: string; port: number | string }>;
}>;

export type EnvVar = Readonly<{
  name: string;
  value?: string;
  valueFrom?: Readonly<{ configMapKeyRef?: Readonly<{ name: string; key: string; optional?: boolean }> }>;
}>;

export type ConfigMapReference = Readonly<{ name: string; optional?: boolean }>;

export type Volume = Readonly<{
  name: string;
  configMap?: ConfigMapReference;
  projected?: Readonly<{ sources: readonly Readonly<{ configMap?: ConfigMapReference }>[] }>;
}>;

export type Container = Readonly<{
  name: string;
  image: string;
  env?: readonly EnvVar[];
  envFrom?: readonly Readonly<{ prefix?: string; configMapRef?: ConfigMapReference }>[];
  ports?: readonly Readonly<{ containerPort: number; name?: string; protocol?: string }>[];
  resources?: Readonly<{ requests?: StringMap; limits?: StringMap }>;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: Readonly<{ preStop?: Readonly<{ sleep?: Readonly<{ seconds: number }> }> }>;
}>;

export type PodSpec = Readonly<{
  containers: readonly Container[];
  volumes?: readonly Volume[];
  terminationGracePeriodSeconds: number;
  nodeName?: string;
  nodeSelector?: StringMap;
}>;

export type PodTemplate = Readonly<{
  metadata?: Readonly<{ labels?: StringMap; annotations?: StringMap }>;
  spec: PodSpec;
}>;

export type Condition = Readonly<{
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastProbeTime?: string | null;
}>;

export type ContainerState = Readonly<{
  waiting?: Readonly<{ reason: string; message?: string }>;
  running?: Readonly<{ startedAt: string }>;
  terminated?: Readonly<{
    exitCode: number;
    reason: string;
    startedAt: string;
    finishedAt: string;
    containerID: string;
  }>;
}>;

export type ContainerStatus = Readonly<{
  name: string;
  state: ContainerState;
  lastState: ContainerState;
  ready: boolean;
  started: boolean;
  restartCount: number;
  image: string;
  imageID: string;
  containerID?: string;
  resources?: object;
}>;

export type PodStatus = Readonly<{
  phase: string;
  conditions?: readonly Condition[];
  containerStatuses?: readonly ContainerStatus[];
  podIP?: string;
  startTime?: string;
}>;

export type Pod = Plain & Readonly<{ spec: PodSpec; status?: PodStatus }>;

export type ReplicaSetStatus = Readonly<{
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  observedGeneration?: number;
  conditions?: readonly Condition[];
}>;

export type ReplicaSet = Plain &
  Readonly<{
    spec: Readonly<{ replicas: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplate }>;
    status?: ReplicaSetStatus;
  }>;

export type DeploymentStatus = Readonly<{
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  unavailableReplicas?: number;
  conditions?: readonly Condition[];
}>;

export type IntOrPercent = number | string;

export type Deployment = Plain &
  Readonly<{
    spec: Readonly<{
      replicas: number;
      selector: LabelSelector;
      template: PodTemplate;
      strategy: Readonly<{
        type: 'RollingUpdate' | 'Recreate';
        rollingUpdate?: Readonly<{ maxSurge: IntOrPercent; maxUnavailable: IntOrPercent }>;
      }>;
      minReadySeconds?: number;
      progressDeadlineSeconds: number;
      revisionHistoryLimit: number;
      paused?: boolean;
    }>;
    status?: DeploymentStatus;
  }>;

export type JobStatus = Readonly<{
  startTime?: string;
  conditions?: readonly Condition[];
  ready?: number;
  terminating?: number;
  uncountedTerminatedPods?: JsonObject;
}>;

export type Job = Plain &
  Readonly<{
    spec: Readonly<{
      parallelism: number;
      activeDeadlineSeconds?: number;
      ttlSecondsAfterFinished?: number;
      suspend?: boolean;
      template: PodTemplate;
    }>;
    status?: JobStatus;
  }>;

export type ServicePort = Readonly<{ name?: string; port: number; protocol?: string; targetPort?: number | string }>;
export type Service = Plain & Readonly<{ spec: Readonly<{ selector?: StringMap; ports?: readonly ServicePort[]; clusterIP?: string }> }>;

export type Endpoint = Readonly<{
  addresses: readonly string[];
  conditions: Readonly<{ ready: boolean; serving: boolean; terminating: boolean }>;
  nodeName?: string;
  targetRef: Readonly<{ kind: 'Pod'; name: string; namespace: string; uid: string }>;
}>;
export type EndpointSlice = Plain & Readonly<{ addressType: 'IPv4'; endpoints: readonly Endpoint[]; ports: readonly JsonObject[] }>;

export type EventObject = Plain &
  Readonly<{
    involvedObject: Readonly<{ apiVersion?: string; kind: string; name: string; namespace: string; uid: string }>;
    reason: string;
    message: string;
    type: 'Normal' | 'Warning';
    count: number;
    firstTimestamp: string;
    lastTimestamp: string;
  }>;

export type PodDisruptionBudget = Plain &
  Readonly<{
    spec: Readonly<{ selector: LabelSelector; minAvailable?: IntOrPercent; maxUnavailable?: IntOrPercent }>;
  }>;

export type ResourceQuota = Plain &
  Readonly<{ spec: Readonly<{ hard: StringMap }>; status?: Readonly<{ hard: StringMap; used: StringMap }> }>;

export interface Kinds {
  deployments: Deployment;
  replicasets: ReplicaSet;
  pods: Pod;
  jobs: Job;
  services: Service;
  endpointslices: EndpointSlice;
  events: EventObject;
  poddisruptionbudgets: PodDisruptionBudget;
  resourcequotas: ResourceQuota;
  namespaces: Plain;
  configmaps: Plain;
  secrets: Plain;
  serviceaccounts: Plain;
  ingresses: Plain;
  networkpolicies: Plain;
  horizontalpodautoscalers: Plain;
  httproutes: Plain;
}
export type Resource = keyof Kinds;
export type Stored = Kinds[Resource];

export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function namespaceOf(object: Plain): string {
  return object.metadata.namespace ?? '';
}

export function controllerOf(object: Plain): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function conditionOf(status: { readonly conditions?: readonly Condition[] } | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}
