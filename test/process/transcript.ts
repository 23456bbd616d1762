import type { StageResult } from '../runner/run-action.ts';
import { questionsOf, writesOf } from './requests.ts';
import type { Performance } from './stage.ts';

/** A run as text that is the same every time: what was said, what came of it, and what was sent. */
export function transcript({ result, requests }: Performance): string {
  const { json, ...outputs } = result.outputs;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['exit code', [exitOf(result)]],
    ['log', logOf(result)],
    ['post', result.post === undefined ? [] : [exitOf(result.post), ...logOf(result.post)]],
    ['outputs', [...Object.entries(outputs).map(([name, value]) => `${name}=${value}`), `json: ${shapeOf(json)}`]],
    ['summary', withoutCourse(result.summary).split('\n')],
    ['summary of post', (result.post?.summary ?? '').split('\n')],
    ['writes', writesOf(requests)],
    ['questions', questionsOf(requests)],
  ];
  const texts = sections.map(([title, lines]) => `=== ${title}\n${eventsInOrder(lines.map(normalise)).join('\n')}`.trimEnd());
  return `${texts.join('\n\n')}\n`;
}

/** Without the picture of the evidence: how many scrapes it has is a matter of milliseconds. */
function withoutCourse(summary: string): string {
  return summary.replace(/### Course\n\n```text\n[\s\S]*?```\n\n/u, '');
}

function exitOf({ code, signal }: StageResult): string {
  return signal === null ? String(code) : signal;
}

/** Without the lines of waiting: which of them there are is a matter of milliseconds. */
function logOf({ log }: StageResult): readonly string[] {
  return log.map(({ line }) => line).filter((line) => !/^\d+ s: |; looking again$/u.test(line));
}

/** Events of the same second come in any order. */
function eventsInOrder(lines: readonly string[]): readonly string[] {
  const sorted: string[] = [];
  let events: string[] = [];
  for (const line of [...lines, '']) {
    // Whether the kubelet has said so already is a matter of milliseconds.
    if (line.includes('BackOff: Back-off restarting')) continue;
    if (/^(?: {2}\| )?(?:BackOff|Failed|Unhealthy|Killing): /u.test(line)) {
      events.push(line);
      continue;
    }
    sorted.push(...events.sort(), line);
    events = [];
  }
  return sorted.slice(0, -1);
}

function shapeOf(json: string | undefined): string {
  return json === undefined ? 'none' : Object.keys(JSON.parse(json) as object).join(', ');
}

const replacements: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu, '<uid>'],
  [/\b(web|web-canary)-[a-z0-9]{6,10}-[a-z0-9]{5}(?![a-z0-9])/gu, '$1-<pod>'],
  // A pod that cannot start is between two attempts, or in one.
  [/Back-off pulling image "[^"]*": ErrImagePull: (?=failed)/gu, ''],
  [/sha256:(?!d{64})[0-9a-f]{64}/gu, 'sha256:<digest>'],
  [/(?:127\.0\.0\.1|localhost):\d+/gu, '<address>'],
  [/\b10\.244\.\d+\.\d+/gu, '<pod address>'],
  [/\b\d\d:\d\d:\d\d\b/gu, '<time>'],
  [/actions\/runs\/\d+/gu, 'actions/runs/<run>'],
  // Entries are in the order of their last writes, and a status may be written between two of ours.
  [/\/metadata\/managedFields\/\d+/gu, '/metadata/managedFields/<n>'],
  [/(held for|ready for|started|heartbeat|not available within) \d+ s/gu, '$1 # s'],
  [/(command <code>[a-z]+<\/code>), (?:\d+ min )?\d+ s\./gu, '$1, # s.'],
  [/for at most \d+ ms(,? \(?at least) \d+ ms/gu, 'for at most # ms$1 # ms'],
  [/(readiness and metrics|readiness alone), (?:\d+ min )?\d+ s\./gu, '$1, # s.'],
  [/^samples=.*\/gated-rollout-web-<uid>\.jsonl$/gu, 'samples=<temp>/gated-rollout-web-<uid>.jsonl'],
  [/Confidence of the verdict: .*/gu, 'Confidence of the verdict: #'],
];

/** Sentences of the metrics gate: every number in them is another one in each run. */
const measured =
  /% errors|requests\/s|(?:canary requests|requests of (?:the new version|green))|evidence of bad|^\| (?:canary|new version|green|stable) \| \d|^duration: /u;

export function normalise(line: string): string {
  let text = line;
  for (const [pattern, replacement] of replacements) text = text.replaceAll(pattern, replacement);
  if (!measured.test(text)) return text;
  return text
    .replaceAll(/more than (?=\d)/gu, '')
    .replaceAll(/(?<![\w&#])\d[\d.,]*(?<![.,])/gu, '#')
    .replaceAll('none yet', '# %');
}
