/** The part of PromQL that a rollout asks with: selectors, aggregations, `or`, label_replace, vector, timestamp. */
export type Expr =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'selector'; readonly matchers: readonly Matcher[] }
  | { readonly kind: 'aggregate'; readonly operator: string; readonly by: Grouping; readonly of: Expr }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'or'; readonly left: Expr; readonly right: Expr };

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Grouping {
  readonly mode: 'by' | 'without';
  readonly labels: readonly string[];
}

export class ParseError extends Error {}

interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\s+|#[^\n]*|([a-zA-Z_:][\w:]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(=~|!~|!=|[={}(),])/gy;
const AGGREGATIONS = new Set(['sum', 'min', 'max', 'count', 'avg']);
const CALLS: Readonly<Record<string, number>> = { label_replace: 5, vector: 1, timestamp: 1, time: 0 };

export function parsePromql(query: string): Expr {
  const parser = new Parser(tokenize(query));
  const expr = parser.expression();
  parser.expect('end', '');
  return expr;
}

function tokenize(query: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(query);
    if (match === null) throw new ParseError(`1:${at + 1}: parse error: unexpected character: ${JSON.stringify(query[at])}`);
    const [, name, string, number, symbol] = match;
    if (name !== undefined) tokens.push({ kind: 'name', text: name, at });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string), at });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, at });
  }
  return [...tokens, { kind: 'end', text: '', at: query.length }];
}

function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner;
  return inner.replace(/\\(.)/g, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}

class Parser {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expression(): Expr {
    let left = this.#primary();
    while (this.#take('name', 'or')) left = { kind: 'or', left, right: this.#primary() };
    return left;
  }

  expect(kind: Token['kind'], text?: string): string {
    const token = this.#peek();
    if (token.kind !== kind || (text !== undefined && token.text !== text)) throw this.#unexpected();
    this.#index += 1;
    return token.text;
  }

  #primary(): Expr {
    const token = this.#peek();
    if (this.#take('symbol', '(')) {
      const inner = this.expression();
      this.expect('symbol', ')');
      return inner;
    }
    if (token.kind === 'number') return { kind: 'number', value: Number(this.expect('number')) };
    if (token.kind === 'string') return { kind: 'string', value: this.expect('string') };
    if (token.kind === 'symbol' && token.text === '{') return { kind: 'selector', matchers: this.#matchers() };
    const name = this.expect('name');
    if (AGGREGATIONS.has(name) && this.#isAggregation()) return this.#aggregate(name);
    if (this.#isSymbol('(')) return this.#call(name, token.at);
    if (name === 'or' || name === 'by') throw this.#unexpected(token);
    const metric: Matcher = { label: '__name__', operator: '=', value: name };
    return { kind: 'selector', matchers: this.#isSymbol('{') ? [metric, ...this.#matchers()] : [metric] };
  }

  #isAggregation(): boolean {
    const { kind, text } = this.#peek();
    return this.#isSymbol('(') || (kind === 'name' && (text === 'by' || text === 'without'));
  }

  #aggregate(operator: string): Expr {
    const before = this.#grouping();
    this.expect('symbol', '(');
    const of = this.expression();
    this.expect('symbol', ')');
    const by = before ?? this.#grouping() ?? { mode: 'by', labels: [] };
    return { kind: 'aggregate', operator, by, of };
  }

  #grouping(): Grouping | undefined {
    const mode = this.#take('name', 'by') ? 'by' : this.#take('name', 'without') ? 'without' : undefined;
    if (mode === undefined) return undefined;
    const labels: string[] = [];
    this.expect('symbol', '(');
    while (!this.#take('symbol', ')')) {
      labels.push(this.expect('name'));
      if (!this.#isSymbol(')')) this.expect('symbol', ',');
    }
    return { mode, labels };
  }

  #call(name: string, at: number): Expr {
    const arity = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
    if (arity === undefined) throw new ParseError(`1:${at + 1}: parse error: unknown function with name "${name}"`);
    const args: Expr[] = [];
    this.expect('symbol', '(');
    while (!this.#take('symbol', ')')) {
      args.push(this.expression());
      if (!this.#isSymbol(')')) this.expect('symbol', ',');
    }
    if (args.length === arity) return { kind: 'call', name, args };
    throw new ParseError(`1:${at + 1}: parse error: expected ${arity} argument(s) in call to "${name}", got ${args.length}`);
  }

  #matchers(): readonly Matcher[] {
    const matchers: Matcher[] = [];
    this.expect('symbol', '{');
    while (!this.#take('symbol', '}')) {
      const label = this.expect('name');
      const operator = this.expect('symbol');
      if (operator !== '=' && operator !== '!=' && operator !== '=~' && operator !== '!~') throw this.#unexpected();
      matchers.push({ label, operator, value: this.expect('string') });
      if (!this.#isSymbol('}')) this.expect('symbol', ',');
    }
    return matchers;
  }

  #peek(): Token {
    return this.#tokens[this.#index] ?? { kind: 'end', text: '', at: 0 };
  }

  #isSymbol(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'symbol' && token.text === text;
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    const taken = token.kind === kind && token.text === text;
    if (taken) this.#index += 1;
    return taken;
  }

  #unexpected(token = this.#peek()): ParseError {
    const what = token.kind === 'end' ? 'end of input' : JSON.stringify(token.text);
    return new ParseError(`1:${token.at + 1}: parse error: unexpected ${what}`);
  }
}
