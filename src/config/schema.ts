/** One row of action.yml: the contract test keeps the file, this table and the README equal. */
export type InputDefinition = {
  readonly name: string;
  /** Undefined: empty, or decided from the context. */
  readonly default?: string;
  readonly required?: boolean;
};

/** Every input that exists, in the order of action.yml. A new one begins here. */
export const inputSchema = [
  { name: 'command', default: 'deploy' },
  { name: 'deployment' },
  { name: 'namespace' },
  { name: 'tag' },
  { name: 'image' },
  { name: 'containers' },
  { name: 'env' },
  { name: 'config-maps' },
  { name: 'change-cause' },
  { name: 'to-revision' },
  { name: 'kubeconfig' },
  { name: 'context' },
  { name: 'strategy', default: 'canary' },
  { name: 'steps', default: '10%, 50%' },
  { name: 'prometheus' },
  { name: 'prometheus-token' },
  { name: 'prometheus-username' },
  { name: 'prometheus-password' },
  { name: 'prometheus-ca' },
  { name: 'error-query' },
  { name: 'total-query' },
  { name: 'max-error-increase', default: '1.25x + 0.5%' },
  { name: 'max-error-rate' },
  { name: 'max-slow' },
  { name: 'min-traffic' },
  { name: 'error-budget' },
  { name: 'dispersion', default: '1' },
  { name: 'metrics', default: 'auto' },
  { name: 'timeout', default: '30m' },
  { name: 'ready-timeout', default: '5m' },
  { name: 'min-duration', default: '60s' },
  { name: 'bake', default: '0s' },
  { name: 'dead-man', default: '4m' },
  { name: 'on-inconclusive', default: 'rollback' },
  { name: 'force', default: 'false' },
  { name: 'evidence' },
  { name: 'samples' },
  { name: 'smoke-test' },
  { name: 'canary-deployment' },
  { name: 'green-deployment' },
  { name: 'probe-url' },
] as const satisfies readonly InputDefinition[];

export type InputName = (typeof inputSchema)[number]['name'];

/** What action.yml says for an input that is left out or empty. */
export function defaultOf(name: InputName): string | undefined {
  const definition: InputDefinition | undefined = inputSchema.find((input) => input.name === name);
  return definition?.default;
}
