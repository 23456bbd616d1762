/** What of a pod template a release may configure: variables and references to ConfigMaps, by their places. */
export type TemplateFacts = {
  readonly containers: readonly ContainerVariables[];
  readonly references: readonly ConfigMapReference[];
};

export type ContainerVariables = {
  readonly name: string;
  /** `/spec/containers/0` */
  readonly pointer: string;
  readonly init?: true;
  /** In the order of the template; undefined where there is no list at all. */
  readonly variables: readonly VariableFacts[] | undefined;
};

export type VariableFacts = {
  readonly name: string;
  /** Undefined: an empty text, or `source`. */
  readonly value: string | undefined;
  /** Where its value comes from, in words, where it is no literal. */
  readonly source: string | undefined;
};

/** One place of the template that names a ConfigMap. */
export type ConfigMapReference = {
  /** In words: `volume config`. */
  readonly where: string;
  readonly pointer: string;
  readonly guard: { readonly pointer: string; readonly value: string } | undefined;
  readonly name: string;
};
