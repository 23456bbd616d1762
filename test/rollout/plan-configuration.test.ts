import { describe, expect, test } from 'vitest';
import { causeLengthMax, describeCause } from '../../src/rollout/configuration/change-cause.ts';
import type { FieldChange } from '../../src/rollout/configuration/field-change.ts';
import { planConfigMaps } from '../../src/rollout/configuration/plan-config-maps.ts';
import { planVariables, warnOfSecrets } from '../../src/rollout/configuration/plan-variables.ts';
import type { ConfigMapReference, ContainerVariables } from '../../src/rollout/plan/template-facts.ts';
import type { ImageChange, VariableRequest } from '../../src/rollout/spec.ts';

const literal = (name: string, value?: string) => ({ name, value, source: undefined });
const app: ContainerVariables = {
  name: 'app',
  pointer: '/spec/containers/0',
  variables: [literal('MODE', 'a'), literal('EMPTY'), { name: 'HOST', value: undefined, source: "the pod's field status.podIP" }],
};
const proxy: ContainerVariables = { name: 'proxy', pointer: '/spec/containers/1', variables: undefined };
const migrate: ContainerVariables = { name: 'migrate', pointer: '/spec/initContainers/0', init: true, variables: [] };
const set = (name: string, value: string, container?: string): VariableRequest => ({ container, name, value });

const brief = (change: FieldChange): string => `${change.pointer}: ${JSON.stringify(change.from)} → ${JSON.stringify(change.to)}`;

describe('planVariables', () => {
  test.each<[string, readonly ContainerVariables[], readonly VariableRequest[], readonly string[], readonly string[]]>([
    ['changes a literal', [app], [set('MODE', 'b')], [], ['/spec/containers/0/env/0/value: "a" → "b"']],
    ['leaves out what stands already', [app], [set('MODE', 'a'), set('EMPTY', '')], [], []],
    [
      'takes an empty text for none, as the API does',
      [app],
      [set('MODE', ''), set('EMPTY', 'x')],
      [],
      ['/spec/containers/0/env/0/value: "a" → undefined', '/spec/containers/0/env/1/value: undefined → "x"'],
    ],
    [
      'appends new ones, one after the other',
      [app],
      [set('NEW', '1'), set('BARE', '')],
      [],
      ['/spec/containers/0/env/3: undefined → {"name":"NEW","value":"1"}', '/spec/containers/0/env/4: undefined → {"name":"BARE"}'],
    ],
    [
      'makes the list where there is none',
      [proxy],
      [set('A', '1'), set('B', '2')],
      [],
      ['/spec/containers/1/env: undefined → [{"name":"A","value":"1"},{"name":"B","value":"2"}]'],
    ],
    ['goes into the containers that are named', [app, proxy], [set('MODE', 'b')], ['app'], ['/spec/containers/0/env/0/value: "a" → "b"']],
    [
      'goes into the container before the colon',
      [app, migrate],
      [set('MODE', 'b', 'migrate')],
      [],
      ['/spec/initContainers/0/env/0: undefined → {"name":"MODE","value":"b"}'],
    ],
    ['means the only ordinary container', [app, migrate], [set('MODE', 'b')], [], ['/spec/containers/0/env/0/value: "a" → "b"']],
    [
      'changes the last of two with one name, which counts',
      [{ ...app, variables: [literal('X', '1'), literal('X', '2')] }],
      [set('X', '3')],
      [],
      ['/spec/containers/0/env/1/value: "2" → "3"'],
    ],
  ])('%s', (_title, containers, requests, released, expected) => {
    const planned = planVariables(containers, requests, released);
    expect(planned.kind === 'fields' ? planned.fields.map(brief) : planned).toEqual(expected);
  });

  test.each<[string, readonly VariableRequest[], string]>([
    ['a value from elsewhere', [set('HOST', 'x', 'app')], 'no literal'],
    ['a container that is not there', [set('A', '1', 'ap')], 'no container ap'],
    ['two containers and no word on which', [set('A', '1')], 'has 2 containers'],
  ])('refuses %s', (_title, requests, message) => {
    expect(planVariables([app, proxy], requests, [])).toMatchObject({ kind: 'problem', message: expect.stringContaining(message) });
  });

  test('says names and sizes, never a value', () => {
    const planned = planVariables([app, proxy], [set('MODE', 'hunter2', 'app'), set('KEY', 'hunter2', 'proxy')], []);
    const said = planned.kind === 'fields' ? planned.fields.flatMap(({ what, fromText, toText }) => [what, fromText, toText]) : [];
    expect(said).toEqual([
      'variable MODE of container app',
      '1 character',
      '7 characters',
      'variable KEY of container proxy',
      'none',
      '7 characters',
    ]);
  });

  test('warns of what looks like a secret', () => {
    expect(warnOfSecrets([set('DB_PASSWORD', 'x'), set('TOKENS_MAX', '5'), set('MODE', 'x')])).toEqual([
      expect.stringContaining('DB_PASSWORD in env'),
    ]);
    expect(warnOfSecrets([set('KEYBOARD', 'x')])).toEqual([]);
  });
});

describe('planConfigMaps', () => {
  const reference = (name: string, index = 0): ConfigMapReference => ({
    where: `volume v${index}`,
    pointer: `/spec/volumes/${index}/configMap/name`,
    guard: { pointer: `/spec/volumes/${index}/name`, value: `v${index}` },
    name,
  });
  const version = { source: 'web', name: 'web-aaaaaaaaaa' };
  const earlier = [{ source: 'web', name: 'web-bbbbbbbbbb' }];

  test('points the name, and every earlier version of ours, at the new one', () => {
    const planned = planConfigMaps([reference('web'), reference('other', 1), reference('web-bbbbbbbbbb', 2)], [version], earlier);
    expect(planned).toMatchObject({ kind: 'references', configMaps: [version] });
    expect(planned.kind === 'references' ? planned.fields.map(brief) : []).toEqual([
      '/spec/volumes/0/configMap/name: "web" → "web-aaaaaaaaaa"',
      '/spec/volumes/2/configMap/name: "web-bbbbbbbbbb" → "web-aaaaaaaaaa"',
    ]);
  });

  test('leaves out what stands already', () => {
    expect(planConfigMaps([reference('web-aaaaaaaaaa')], [version], [])).toEqual({ kind: 'references', fields: [], configMaps: [] });
  });

  test("takes nobody else's name for a version of ours", () => {
    expect(planConfigMaps([reference('web-cccccccccc')], [version], earlier)).toMatchObject({
      kind: 'problem',
      hint: expect.stringContaining('web-cccccccccc'),
    });
  });
});

describe('describeCause', () => {
  const images: readonly ImageChange[] = [{ container: 'app', index: 0, from: 'a', to: 'ghcr.io/acme/web:v2' }];
  const origin = { text: undefined, commit: '0123456789abcdef', runUrl: 'https://github.com/acme/shop/actions/runs/7', actor: 'alice' };

  test('has a form that can be read by a program', () => {
    expect(describeCause(origin, images, [])).toBe(
      'image web:v2, commit 0123456, run https://github.com/acme/shop/actions/runs/7, by alice',
    );
  });

  test('names what changes beside the image', () => {
    const planned = planVariables([app], [set('MODE', 'b'), set('NEW', '1')], []);
    const fields = planned.kind === 'fields' ? planned.fields : [];
    expect(describeCause({ ...origin, runUrl: undefined }, [], fields)).toBe('configuration MODE NEW, commit 0123456, by alice');
  });

  test('cuts what changed, and keeps commit and run whole', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ container: `c${index}`, index, from: 'a', to: `shop/service-${index}:v2` }));
    const text = describeCause(origin, many, []);
    expect(text.length).toBeLessThanOrEqual(causeLengthMax);
    expect(text).toMatch(/…, commit 0123456, run https:\S+, by alice$/u);
  });

  test.each([
    ['two\nlines\u0007', 'two lines'],
    ['\u001b[31mred\u2028', '[31mred'],
    ['😀'.repeat(200), `${'😀'.repeat(127)}…`],
    [' \n ', 'image web:v2'],
  ])('own text %j', (text, expected) => {
    expect(describeCause({ text, commit: undefined, runUrl: undefined, actor: undefined }, images, [])).toBe(expected);
  });
});
