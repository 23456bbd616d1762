import type { ExpectStatic } from 'vitest';
import { token } from './scene.ts';
import type { Performance } from './stage.ts';
import { transcript } from './transcript.ts';

/** The whole run as it is written down in golden/NAME.txt; and what no run may ever do. */
export async function expectGolden(expect: ExpectStatic, name: string, done: Performance): Promise<void> {
  expectSafe(expect, done);
  await expect(transcript(done)).toMatchFileSnapshot(`golden/${name}.txt`);
}

/** No secret comes out, masked or not, and no line of the log is a command that came out of somebody's data. */
export function expectSafe(expect: ExpectStatic, { result, requests }: Performance): void {
  const { post } = result;
  const log = [...result.log, ...(post?.log ?? [])].map(({ line }) => line).join('\n');
  const said = [log, result.summary, post?.summary, JSON.stringify(result.outputs), ...requests.map(({ body }) => body)].join('\n');
  expect(said).not.toContain(token);
  // The runner would hide it: that it had to would be a fault of ours.
  expect(said).not.toContain('***');
  expect([...result.injected, ...(post?.injected ?? [])]).toEqual([]);
  const annotations = [...result.annotations, ...(post?.annotations ?? [])];
  // The runner's own warnings have no title, ours always have one.
  const untitled = annotations.filter(
    ({ properties, message }) => properties['title'] === undefined && !message.startsWith('Unexpected input'),
  );
  expect(untitled).toEqual([]);
}
