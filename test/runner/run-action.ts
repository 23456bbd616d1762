import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type ActionFile, parseActionFile } from './action-file.ts';
import { readKeyValueFile, readSummary } from './file-commands.ts';
import { type LogLine, StepProcess } from './step-process.ts';
import { type Annotation, WorkflowCommands } from './workflow-commands.ts';

export interface ActionOptions {
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the checkout, by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly onLine?: (line: string) => void;
  /** Machine loss: nothing of ours runs any more. */
  readonly skipPost?: boolean;
  readonly privateRepository?: boolean;
  readonly actionFolder?: string;
}

export interface StageResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly summary: string;
  readonly log: readonly LogLine[];
  readonly annotations: readonly Annotation[];
  readonly injected: readonly string[];
}

export interface ActionResult extends StageResult {
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  /** What is in the file that the output `samples` names. */
  readonly samples?: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly post?: StageResult;
}

export interface RunningAction {
  readonly pid: number;
  readonly runUrl: string;
  readonly log: readonly LogLine[];
  readonly cancel: () => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly done: Promise<ActionResult>;
}

/** Starts the action of a checkout as the GitHub runner would: main, and `post` after it. */
export function startAction(options: ActionOptions): RunningAction {
  const folder = options.actionFolder ?? resolve(import.meta.dirname, '../..');
  const action = parseActionFile(readFileSync(join(folder, 'action.yml'), 'utf8'));
  const nodeMajor = process.versions.node.split('.')[0];
  if (action.using !== `node${nodeMajor}`) throw new Error(`the action wants ${action.using}, this is Node ${process.versions.node}`);
  const job = makeJob(options, action, folder);
  const startedAtMs = Date.now();
  const main = startStage(job, 'main', action.main, job.env, options.onLine);
  const done = finish(job, action, main, startedAtMs, options);
  return {
    pid: main.process.pid,
    runUrl: job.runUrl,
    log: main.process.log,
    cancel: () => main.process.cancel(),
    kill: (signal) => main.process.kill(signal),
    done,
  };
}

interface Job {
  readonly temp: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly runUrl: string;
  readonly commands: WorkflowCommands;
}

interface Stage {
  readonly process: StepProcess;
  readonly files: Readonly<Record<FileCommand, string>>;
}

const fileCommands = ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'] as const;
type FileCommand = (typeof fileCommands)[number];

async function finish(job: Job, action: ActionFile, main: Stage, startedAtMs: number, options: ActionOptions): Promise<ActionResult> {
  try {
    const result = await stageResult(main, 0);
    const endedAtMs = Date.now();
    const state = readKeyValueFile(main.files.STATE);
    const outputs = readKeyValueFile(main.files.OUTPUT);
    const { samples: path = '' } = outputs;
    const samples = path === '' ? {} : { samples: readFileSync(path, 'utf8') };
    const base: ActionResult = { ...result, outputs, state, ...samples, startedAtMs, endedAtMs };
    if (action.post === undefined || options.skipPost === true) return base;
    if (action.postIf !== 'always()') throw new Error(`post-if: ${action.postIf} is more than this runner knows`);
    const added = main.process.commands.annotations.length;
    const post = startStage(job, 'post', action.post, postEnv(job, main, state), options.onLine);
    return { ...base, post: await stageResult(post, added), outputs: { ...outputs, ...readKeyValueFile(post.files.OUTPUT) } };
  } finally {
    rmSync(job.temp, { recursive: true, force: true });
  }
}

async function stageResult(stage: Stage, annotationsBefore: number): Promise<StageResult> {
  const end = await stage.process.ended;
  const summary = readSummary(stage.files.STEP_SUMMARY);
  const annotations = stage.process.commands.annotations.slice(annotationsBefore);
  if (summary.dropped)
    annotations.push({
      level: 'error',
      message: '$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k',
      properties: {},
    });
  return {
    ...end,
    summary: stage.process.commands.masked(summary.text),
    log: stage.process.log,
    annotations,
    injected: stage.process.commands.injected,
  };
}

function startStage(job: Job, stage: string, file: string, env: Readonly<Record<string, string>>, onLine?: (line: string) => void): Stage {
  const files: Record<string, string> = {};
  const pointers: Record<string, string> = {};
  for (const name of fileCommands) {
    const path = join(job.temp, `${stage}_${name.toLowerCase()}`);
    writeFileSync(path, '');
    files[name] = path;
    pointers[`GITHUB_${name}`] = path;
  }
  const step = new StepProcess(join(job.folder, file), join(job.temp, 'workspace'), { ...env, ...pointers }, job.commands, onLine);
  return { process: step, files: files as Record<FileCommand, string> };
}

function postEnv(job: Job, main: Stage, state: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = { ...job.env, ...readKeyValueFile(main.files.ENV) };
  const added = readFileSync(main.files.PATH, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  if (added.length > 0) env['PATH'] = [...added.reverse(), env['PATH'] ?? ''].join(delimiter);
  for (const [name, value] of Object.entries(state)) env[`STATE_${name}`] = value;
  return env;
}

function makeJob(options: ActionOptions, action: ActionFile, folder: string): Job {
  const temp = mkdtempSync(join(tmpdir(), 'runner-'));
  for (const name of ['workspace', 'home', 'tool', 'temp']) mkdirSync(join(temp, name));
  for (const [path, content] of Object.entries(options.files ?? {})) {
    const file = join(temp, 'workspace', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  const event = join(temp, 'event.json');
  writeFileSync(event, JSON.stringify({ repository: { private: options.privateRepository ?? true, full_name: 'acme/shop' } }));
  const runId = String(randomInt(1_000_000_000, 9_000_000_000));
  const commands = new WorkflowCommands();
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(temp, 'home'),
    LANG: 'C.UTF-8',
    ...contextEnv(runId, event, temp),
    ...inputEnv(options.inputs, action, commands),
    ...options.env,
  };
  const runUrl = `${env['GITHUB_SERVER_URL']}/${env['GITHUB_REPOSITORY']}/actions/runs/${env['GITHUB_RUN_ID']}`;
  return { temp, folder, env, runUrl, commands };
}

function contextEnv(runId: string, event: string, temp: string): Record<string, string> {
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: 'gated-rollout',
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_EVENT_PATH: event,
    GITHUB_JOB: 'release',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: runId,
    GITHUB_RUN_NUMBER: '7',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_WORKFLOW: 'release',
    GITHUB_WORKSPACE: join(temp, 'workspace'),
    RUNNER_ARCH: 'X64',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: join(temp, 'temp'),
    RUNNER_TOOL_CACHE: join(temp, 'tool'),
  };
}

function inputEnv(inputs: Readonly<Record<string, string>>, action: ActionFile, commands: WorkflowCommands): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, input] of action.inputs) env[inputName(name)] = inputs[name] ?? input.fallback ?? '';
  for (const [name, value] of Object.entries(inputs)) {
    if (action.inputs.has(name)) continue;
    commands.annotations.push({ level: 'warning', message: `Unexpected input(s) '${name}'`, properties: {} });
    env[inputName(name)] = value;
  }
  return env;
}

function inputName(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;
}
