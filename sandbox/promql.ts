import type { Expr, Grouping, Matcher } from './promql-parser.ts';
import { ParseError } from './promql-parser.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** When the sample was taken, not when it was asked for. */
  readonly atMs: number;
}

export type Select = (isWanted: (labels: Sample['labels']) => boolean, atMs: number) => readonly Sample[];
export type Value = { readonly kind: 'vector'; readonly samples: readonly Sample[] } | { readonly kind: 'scalar'; readonly value: number };

export class ExecutionError extends Error {}

export function evaluate(expr: Expr, select: Select, atMs: number): Value {
  switch (expr.kind) {
    case 'number':
      return { kind: 'scalar', value: expr.value };
    case 'string':
      throw new ParseError('1:1: parse error: a string alone cannot be evaluated');
    case 'selector':
      return vector(select(wantedBy(expr.matchers), atMs));
    case 'aggregate':
      return vector(aggregate(expr.operator, expr.by, samplesOf(expr.of, select, atMs), atMs));
    case 'call':
      return call(expr.name, expr.args, select, atMs);
    case 'or': {
      const left = samplesOf(expr.left, select, atMs);
      const known = new Set(left.map((sample) => keyOf(withoutName(sample.labels))));
      const right = samplesOf(expr.right, select, atMs);
      return vector([...left, ...right.filter((sample) => !known.has(keyOf(withoutName(sample.labels))))]);
    }
  }
}

function vector(samples: readonly Sample[]): Value {
  return { kind: 'vector', samples };
}

function samplesOf(expr: Expr, select: Select, atMs: number): readonly Sample[] {
  const value = evaluate(expr, select, atMs);
  if (value.kind === 'scalar') throw new ParseError('1:1: parse error: expected type instant vector, got scalar');
  return value.samples;
}

/** Regular expressions match the whole value; a missing label is an empty one. */
function wantedBy(matchers: readonly Matcher[]): (labels: Sample['labels']) => boolean {
  const isEmpty = ({ operator, value }: Matcher) =>
    (operator === '=' && value === '') ||
    (operator === '!=' && value !== '') ||
    (operator === '=~' && anchored(value).test('')) ||
    (operator === '!~' && !anchored(value).test(''));
  if (matchers.every(isEmpty)) {
    throw new ParseError('1:1: parse error: vector selector must contain at least one non-empty matcher');
  }
  const tests = matchers.map(({ label, operator, value }) => {
    const pattern = operator === '=~' || operator === '!~' ? anchored(value) : undefined;
    const isNegative = operator === '!=' || operator === '!~';
    return (labels: Sample['labels']) => {
      const found = labels[label] ?? '';
      return (pattern === undefined ? found === value : pattern.test(found)) !== isNegative;
    };
  });
  return (labels) => tests.every((test) => test(labels));
}

function anchored(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`, 's');
  } catch (error) {
    throw new ParseError(`1:1: parse error: error parsing regexp: \`${pattern}\``, { cause: error });
  }
}

function aggregate(operator: string, by: Grouping, samples: readonly Sample[], atMs: number): readonly Sample[] {
  const groups = new Map<string, { labels: Sample['labels']; values: number[] }>();
  for (const sample of samples) {
    const kept = Object.entries(withoutName(sample.labels)).filter(([label]) => by.labels.includes(label) === (by.mode === 'by'));
    const labels = Object.fromEntries(kept);
    const group = groups.get(keyOf(labels)) ?? { labels, values: [] };
    group.values.push(sample.value);
    groups.set(keyOf(labels), group);
  }
  return [...groups.values()].map(({ labels, values }) => ({ labels, value: reduce(operator, values), atMs }));
}

function reduce(operator: string, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (operator) {
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'count':
      return values.length;
    case 'avg':
      return sum / values.length;
    default:
      return sum;
  }
}

function call(name: string, args: readonly Expr[], select: Select, atMs: number): Value {
  const [first] = args;
  if (name === 'time') return { kind: 'scalar', value: atMs / 1000 };
  if (first === undefined) throw new ParseError(`1:1: parse error: ${name} without an argument`);
  if (name === 'vector') {
    const value = evaluate(first, select, atMs);
    if (value.kind !== 'scalar') throw new ParseError('1:1: parse error: expected type scalar in call to function "vector"');
    return vector([{ labels: {}, value: value.value, atMs }]);
  }
  const samples = samplesOf(first, select, atMs);
  if (name === 'timestamp') {
    return vector(samples.map((sample) => ({ labels: withoutName(sample.labels), value: sample.atMs / 1000, atMs })));
  }
  return vector(replaceLabel(samples, args.slice(1).map(textOf)));
}

function textOf(expr: Expr): string {
  if (expr.kind !== 'string') throw new ParseError('1:1: parse error: expected type string in call to function "label_replace"');
  return expr.value;
}

function replaceLabel(
  samples: readonly Sample[],
  [target = '', replacement = '', source = '', regex = '']: readonly string[],
): readonly Sample[] {
  const pattern = anchored(regex);
  const replaced = samples.map((sample) => {
    const match = pattern.exec(sample.labels[source] ?? '');
    if (match === null) return sample;
    const value = replacement.replace(
      /\$(?:(\d+)|\{(\w+)\})/g,
      (_, plain?: string, braced?: string) => match[Number(plain ?? braced)] ?? '',
    );
    const { [target]: _old, ...labels } = sample.labels;
    return { ...sample, labels: value === '' ? labels : { ...labels, [target]: value } };
  });
  if (new Set(replaced.map((sample) => keyOf(sample.labels))).size < replaced.length) {
    throw new ExecutionError('vector cannot contain metrics with the same labelset');
  }
  return replaced;
}

function withoutName(labels: Sample['labels']): Sample['labels'] {
  const { __name__: _, ...rest } = labels;
  return rest;
}

export function keyOf(labels: Sample['labels']): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
