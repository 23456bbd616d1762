import type { V1Deployment, V1Job, V1Pod, V1PodTemplateSpec, V1ReplicaSet, V1Service } from '@kubernetes/client-node';

/** A typed object as JSON gives it: the library's types say Date where the wire has a string. */
export type Raw<T> = T extends Date ? string : T extends object ? { [K in keyof T]: Raw<T[K]> } : T;

export type RawDeployment = Raw<V1Deployment>;
export type RawJob = Raw<V1Job>;
export type RawPod = Raw<V1Pod>;
export type RawReplicaSet = Raw<V1ReplicaSet>;
export type RawService = Raw<V1Service>;
export type RawTemplate = Raw<V1PodTemplateSpec>;
export type RawList<T> = { readonly items: readonly T[] };
