import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { type InputContext, parseInputs } from '../../src/config/inputs.ts';
import { inputSchema } from '../../src/config/schema.ts';
import { UserError } from '../../src/errors.ts';
import { anyText } from './any-text.ts';

const least = { deployment: 'web', tag: 'v2' };
const address = 'service://monitoring/prometheus:9090';
const url = 'https://prometheus.example.com';

function parse(inputs: Readonly<Record<string, string>>, context: InputContext = { repositoryPrivate: undefined }): Config {
  return parseInputs((name) => inputs[name] ?? '', context);
}

function problemsOf(inputs: Readonly<Record<string, string>>, context?: InputContext): string {
  try {
    parse(inputs, context);
  } catch (error) {
    if (error instanceof UserError && error.code === 'inputs-invalid') return error.message;
    throw error;
  }
  return 'none';
}

describe('parseInputs', () => {
  test('the least that is needed', () => {
    expect(parse(least)).toEqual({
      command: 'deploy',
      deployment: 'web',
      namespace: undefined,
      images: { kind: 'tag', tag: 'v2', containers: [] },
      variables: [],
      configMaps: [],
      changeCause: undefined,
      kubeconfig: undefined,
      context: undefined,
      prometheus: undefined,
      prometheusAccess: { credentials: { kind: 'none' }, certificateAuthority: undefined },
      metrics: { source: 'pods-if-possible', preset: undefined },
      queries: undefined,
      readinessOnPurpose: false,
      evidence: 'events',
      release: {
        strategy: 'canary',
        steps: [
          { weightPercent: 10, holdMs: undefined },
          { weightPercent: 50, holdMs: undefined },
        ],
        judgedBy: 'readiness',
        maxErrorIncrease: { ratio: 1.25, absolute: 0.005 },
        maxErrorRate: undefined,
        dispersion: 1,
        timeoutMs: 1_800_000,
        readyTimeoutMs: 300_000,
        minDurationMs: 60_000,
        bakeMs: 0,
        smokeTest: undefined,
        deadManMs: 240_000,
        onInconclusive: 'rollback',
        force: false,
      },
    });
  });

  test('everything that can be said', () => {
    const config = parse({
      ...least,
      command: 'plan',
      namespace: 'shop',
      containers: 'web\nproxy',
      kubeconfig: '  apiVersion: v1\n',
      context: 'prod',
      prometheus: address,
      'error-query': 'errors{pod=~"$pods"}',
      'total-query': 'requests{pod=~"$pods"}',
      'max-error-increase': '2x + 1%',
      'max-error-rate': '3%',
      'max-slow': '5% over 300ms',
      'min-traffic': '50%',
      'error-budget': '200',
      dispersion: '3',
      'on-inconclusive': 'promote',
      force: 'true',
      evidence: 'none',
    });
    expect(config).toMatchObject({
      command: 'plan',
      namespace: 'shop',
      images: { containers: ['web', 'proxy'] },
      kubeconfig: '  apiVersion: v1\n',
      context: 'prod',
      queries: { error: 'errors{pod=~"$pods"}', total: 'requests{pod=~"$pods"}' },
      evidence: 'none',
      release: {
        judgedBy: 'metrics',
        maxErrorIncrease: { ratio: 2, absolute: 0.01 },
        maxErrorRate: 0.03,
        maxSlow: { absolute: 0.05, boundMs: 300 },
        minTraffic: 0.5,
        errorBudget: 200,
        dispersion: 3,
        onInconclusive: 'promote',
        force: true,
      },
    });
  });

  test.each([
    [{ image: 'ghcr.io/acme/web:v2' }, { kind: 'image', image: 'ghcr.io/acme/web:v2', containers: [] }],
    [
      { image: 'web:v2', containers: 'web' },
      { kind: 'image', image: 'web:v2', containers: ['web'] },
    ],
    [{ image: 'web=reg:5000/web\nproxy=envoy:v3 # too' }, { kind: 'by-container', images: { web: 'reg:5000/web', proxy: 'envoy:v3' } }],
    [{ tag: `sha256:${'a'.repeat(64)}` }, { kind: 'tag', tag: `sha256:${'a'.repeat(64)}`, containers: [] }],
    [
      { env: 'A=1', containers: 'web' },
      { kind: 'none', containers: ['web'] },
    ],
    [{ 'config-maps': 'web.yaml' }, { kind: 'none', containers: [] }],
  ])('images %j', (inputs, images) => {
    expect(parse({ deployment: 'web', ...inputs }).images).toEqual(images);
  });

  test('env and config-maps, one a line', () => {
    const env = '# comment\n  MODE=b \nproxy:URL=http://x/?a=b,c # d\nEMPTY=';
    const config = parse({ ...least, env, 'config-maps': 'k8s/web.yaml\nassets=conf/assets', 'change-cause': 'a text' });
    expect(config.variables).toEqual([
      { container: undefined, name: 'MODE', value: 'b' },
      { container: 'proxy', name: 'URL', value: 'http://x/?a=b,c # d' },
      { container: undefined, name: 'EMPTY', value: '' },
    ]);
    expect(config.configMaps).toEqual([
      { path: 'k8s/web.yaml', name: undefined },
      { path: 'conf/assets', name: 'assets' },
    ]);
    expect(config.changeCause).toBe('a text');
  });

  test.each([
    [{ prometheus: address }, 'metrics', false],
    [{ prometheus: address, metrics: 'none' }, 'readiness', true],
    [{ metrics: 'none' }, 'readiness', true],
    [{ metrics: 'pods' }, 'metrics', false],
    [{ metrics: 'opentelemetry' }, 'metrics', false],
    [{ metrics: 'opentelemetry', prometheus: address }, 'metrics', false],
    [{}, 'readiness', false],
  ])('judged by, with %j', (inputs, judgedBy, readinessOnPurpose) => {
    const config = parse({ ...least, ...inputs });
    expect([config.release.judgedBy, config.readinessOnPurpose]).toEqual([judgedBy, readinessOnPurpose]);
  });

  test.each([
    [
      { prometheus: url, 'prometheus-token': 'abc' },
      { kind: 'bearer', token: 'abc' },
    ],
    [
      { prometheus: 'http://127.0.0.1:9090', 'prometheus-token': 'abc' },
      { kind: 'bearer', token: 'abc' },
    ],
    [
      { prometheus: url, 'prometheus-username': 'ci', 'prometheus-password': 'p:w' },
      { kind: 'basic', username: 'ci', password: 'p:w' },
    ],
    [{ prometheus: url }, { kind: 'none' }],
  ])('credentials, with %j', (inputs, credentials) => {
    expect(parse({ ...least, ...inputs }).prometheusAccess.credentials).toEqual(credentials);
  });

  test('no problem repeats a secret', () => {
    const secret = 'top secret';
    const inputs = { prometheus: 'http://prom', 'prometheus-token': secret, 'prometheus-password': `${secret}\n`, 'prometheus-ca': secret };
    expect(problemsOf({ ...least, ...inputs })).not.toContain(secret);
  });

  test.each([
    [true, 'logs'],
    [false, 'events'],
    [undefined, 'events'],
  ])('evidence where private is %s', (repositoryPrivate, evidence) => {
    expect(parse(least, { repositoryPrivate }).evidence).toBe(evidence);
  });
});

describe('a command that takes no image', () => {
  test.each(['status', 'abort', 'reconcile', 'history', 'rollback'] as const)('%s needs the Deployment alone', (command) => {
    const config = parse({ deployment: 'web', command, steps: '50%', force: 'true' });
    expect(config).toMatchObject({ command, images: { containers: [] }, toRevision: undefined });
  });

  test.each([
    ['3', 3],
    ['0', undefined],
    ['', undefined],
  ])('to-revision %j', (text, toRevision) => {
    const config = parse({ deployment: 'web', command: 'rollback', containers: 'web, proxy', 'to-revision': text });
    expect(config).toMatchObject({ images: { containers: ['web', 'proxy'] } });
    expect(config.toRevision).toBe(toRevision);
  });
});

describe('parseInputs refuses', () => {
  test.each<[Record<string, string>, string]>([
    [{ deployment: '' }, 'deployment: it is required'],
    [{ deployment: 'deployment/web' }, 'give the name alone: "web"'],
    [{ deployment: 'Web' }, 'not the name of a Deployment'],
    [{ namespace: 'a.b' }, 'namespace: "a.b" is not a namespace'],
    [{ tag: '' }, 'tag or image is required'],
    [{ image: 'web:v2' }, 'both given'],
    [{ tag: 'ghcr.io/acme/web:v2' }, 'that is the input image'],
    [{ tag: 'v 2' }, 'not a tag'],
    [{ tag: '', image: ' web:v2\nproxy:v2' }, 'no word on which container'],
    [{ tag: '', image: 'web=web:v2\nproxy:v2' }, 'does not begin with the name of a container'],
    [{ tag: '', image: 'web=web:v2, web=web:v3' }, 'stands there twice'],
    [{ tag: '', image: 'web=Web:v2' }, 'lower case'],
    [{ tag: '', image: 'web=web:v2', containers: 'web' }, 'image names the containers already'],
    [{ containers: 'web, web' }, 'containers: "web" stands there twice'],
    [{ containers: 'my_app' }, 'not the name of a container'],
    [{ env: 'A' }, 'env: a line has no "=", and may be a secret'],
    [{ env: '1A=x' }, '"1A" is not the name of a variable'],
    [{ env: 'Web:A=x' }, '"Web" is not the name of a container'],
    [{ env: 'A=1\nA=2' }, '"A" stands there twice'],
    [{ env: '# nothing' }, 'there is no variable'],
    [{ env: `A=${'x'.repeat(40_000)}` }, 'the values are 40000 bytes'],
    [{ 'config-maps': 'Web=a.yaml' }, 'config-maps: "Web" is not the name of a ConfigMap'],
    [{ 'config-maps': `${'w'.repeat(243)}=a.yaml` }, 'is not the name of a ConfigMap'],
    [{ 'config-maps': 'web=' }, 'has no path'],
    [{ 'config-maps': 'web=a\nweb=b' }, '"web" stands there twice'],
    [{ command: 'promote' }, 'command: promote does not exist yet; deploy and plan'],
    [{ command: 'rollback' }, 'tag: command: rollback takes none; leave it out'],
    [{ command: 'abort' }, 'tag: command: abort takes none; leave it out'],
    [{ command: 'status', tag: '', image: 'web:v2' }, 'image: command: status takes none; leave it out'],
    [{ 'to-revision': '3' }, 'to-revision: command: deploy takes none'],
    [{ command: 'rollback', tag: '', 'to-revision': 'three' }, 'to-revision: "three" is not the number of a revision'],
    [{ command: 'rollback', tag: '', 'to-revision': '-1' }, 'to-revision: "-1" is not the number of a revision'],
    [{ command: 'rollback', tag: '', 'to-revision': '1e3' }, 'to-revision: "1e3" is not the number of a revision'],
    [{ command: 'history', tag: '', deployment: '' }, 'deployment: it is required'],
    [{ metrics: 'podinfo' }, 'metrics: "podinfo" is not valid; valid: auto, none, pods, prometheus-client, opentelemetry,'],
    [{ metrics: 'Pods' }, 'metrics: "Pods" is not valid'],
    [{ metrics: 'pods', prometheus: address }, 'metrics: pods reads the pods themselves and prometheus names another source'],
    [{ metrics: 'pods', 'error-query': '$pods', 'total-query': '$pods' }, 'error-query: it needs prometheus'],
    [{ metrics: 'istio', 'error-query': '$pods', 'total-query': '$pods' }, 'error-query: it needs prometheus'],
    [
      { metrics: 'istio', prometheus: address, 'error-query': '$pods', 'total-query': '$pods' },
      'metrics: istio names the metric, and error-query and total-query another one',
    ],
    [{ metrics: 'none', 'max-error-rate': '1%' }, 'max-error-rate: it needs prometheus'],
    [{ strategy: 'rolling', steps: '25%' }, 'steps: strategy rolling has no steps; leave it out'],
    [{ strategy: 'recreate', steps: '25%' }, 'steps: strategy recreate has no steps; leave it out'],
    [{ bake: '25h' }, 'bake: "25h" is out of range; valid is 0s to 24h'],
    [{ strategy: 'shadow' }, 'strategy: shadow does not exist yet; canary and rolling and recreate and blue-green do'],
    [{ strategy: 'yolo' }, 'strategy: "yolo" is not valid; valid: canary, rolling, recreate, blue-green'],
    [{ 'smoke-test': 'curl' }, 'smoke-test: it needs strategy: blue-green'],
    [{ bake: 'long' }, 'bake: "long" is no'],
    [{ metrics: 'podinfo' }, 'metrics: "podinfo" is not valid'],
    [{ steps: '10%, 100%' }, 'steps: "100%": end at 50 %: more is promotion'],
    [{ 'max-error-rate': '1%' }, 'max-error-rate: it needs prometheus'],
    [{ 'max-error-increase': '2x + 1%' }, 'max-error-increase: it needs prometheus'],
    [{ 'max-slow': '5% over 300ms' }, 'max-slow: it needs prometheus'],
    [{ 'min-traffic': '50%' }, 'min-traffic: it needs prometheus'],
    [{ 'error-budget': '200' }, 'error-budget: it needs prometheus'],
    [{ dispersion: '3' }, 'dispersion: it needs prometheus'],
    [{ prometheus: address, 'max-slow': '300ms' }, 'max-slow: "300ms" is not a limit for slow requests; valid are a share and a time'],
    [{ prometheus: address, 'max-slow': '5% over 300' }, 'max-slow: "5% over 300" is not a limit'],
    [{ prometheus: address, 'max-slow': '5 over 300ms' }, 'max-slow: "5 over 300ms" is not a limit'],
    [{ prometheus: address, 'max-slow': '0% over 300ms' }, 'max-slow: "0%": no number of requests proves'],
    [{ prometheus: address, 'max-slow': '100% over 1s' }, 'max-slow: "100%": every release would pass'],
    [{ prometheus: address, 'max-slow': '5% over 0ms' }, 'max-slow: "5% over 0ms": the time is out of range'],
    [{ prometheus: address, 'max-slow': '5% over 2h' }, 'max-slow: "5% over 2h" is not a limit'],
    [{ prometheus: address, 'max-slow': '5% over -1s' }, 'max-slow: "5% over -1s" is not a limit'],
    [{ prometheus: address, 'max-slow': 'p99 under 300ms' }, 'max-slow: "p99 under 300ms" is not a limit'],
    [{ prometheus: address, 'min-traffic': '0.5' }, 'min-traffic: "0.5" is not a share'],
    [{ prometheus: address, 'min-traffic': '0%' }, 'min-traffic: "0%" is out of range; valid is 1% to 90%'],
    [{ prometheus: address, 'min-traffic': '100%' }, 'min-traffic: "100%" is out of range'],
    [{ prometheus: address, 'error-budget': '0' }, 'error-budget: "0" is not a budget'],
    [{ prometheus: address, 'error-budget': '1%' }, 'error-budget: "1%" is not a budget'],
    [{ prometheus: address, 'error-budget': '-5' }, 'error-budget: "-5" is not a budget'],
    [{ prometheus: address, 'error-budget': '1e3' }, 'error-budget: "1e3" is not a budget'],
    [{ prometheus: address, dispersion: '0' }, 'dispersion: "0" is not a dispersion; valid is a number from 1 to 10'],
    [{ prometheus: address, dispersion: '10.1' }, 'dispersion: "10.1" is not a dispersion'],
    [{ prometheus: address, dispersion: 'auto' }, 'dispersion: "auto" is not a dispersion'],
    [{ command: 'replay' }, 'command: a replay has inputs of its own'],
    [{ samples: 'a.jsonl' }, 'samples: it names the file of command: replay'],
    [{ 'error-query': '$pods', 'total-query': '$pods' }, 'error-query: it needs prometheus'],
    [{ prometheus: address, 'error-query': '$pods' }, 'only valid together'],
    [{ prometheus: address, 'error-query': 'up', 'total-query': '$pods' }, 'error-query: "up" does not hold $pods'],
    [{ prometheus: address, 'error-query': '$pods', 'total-query': '$podset' }, 'total-query: "$podset" does not hold $pods'],
    [
      { prometheus: address, 'error-query': 'up{pod=~"$pods"}) or (vector(1)', 'total-query': '$pods' },
      'error-query: "up{pod=~"$pods"}) or (vector(1)": the ) at character 17 closes nothing; valid is PromQL that is complete',
    ],
    [{ prometheus: address, 'error-query': 'up{pod=~"$pods"', 'total-query': '$pods' }, 'a { is not closed'],
    [{ 'prometheus-token': 'abc' }, 'prometheus-token: it needs prometheus'],
    [{ 'prometheus-ca': 'ca.pem' }, 'prometheus-ca: it needs prometheus'],
    [{ metrics: 'pods', 'prometheus-token': 'abc' }, 'prometheus-token: it needs prometheus'],
    [
      { prometheus: url, 'prometheus-token': 'abc', 'prometheus-username': 'a', 'prometheus-password': 'b' },
      'prometheus-token: a token and a user name contradict',
    ],
    [
      { prometheus: url, 'prometheus-username': 'a' },
      'prometheus-username: prometheus-username and prometheus-password are only valid together',
    ],
    [
      { prometheus: url, 'prometheus-password': 'a' },
      'prometheus-password: prometheus-username and prometheus-password are only valid together',
    ],
    [{ prometheus: url, 'prometheus-token': 'Bearer abc' }, 'prometheus-token: give the token alone'],
    [{ prometheus: url, 'prometheus-token': 'two words' }, 'prometheus-token: this is no token'],
    [{ prometheus: url, 'prometheus-token': 'a\r\nx: y' }, 'prometheus-token: this is no token'],
    [{ prometheus: url, 'prometheus-token': 'schlüssel' }, 'prometheus-token: this is no token'],
    [{ prometheus: url, 'prometheus-username': 'a:b', 'prometheus-password': 'c' }, 'prometheus-username: this is no user name'],
    [{ prometheus: url, 'prometheus-username': 'a', 'prometheus-password': 'c\nd' }, 'prometheus-password: this is no password'],
    [{ prometheus: address, 'prometheus-token': 'abc' }, 'prometheus-token: the API server asks a Service in our place'],
    [{ prometheus: address, 'prometheus-ca': 'ca.pem' }, 'prometheus-ca: the API server asks a Service in our place'],
    [{ prometheus: 'http://prom.example.com', 'prometheus-token': 'abc' }, 'prometheus-token: over http anybody on the way could read it'],
    [{ prometheus: 'http://10.0.0.1', 'prometheus-username': 'a', 'prometheus-password': 'b' }, 'prometheus-password: over http'],
    [{ prometheus: 'http://127.0.0.1.example.com', 'prometheus-token': 'abc' }, 'prometheus-token: over http'],
    [{ prometheus: 'http://localhost:9090', 'prometheus-ca': 'ca.pem' }, 'prometheus-ca: an http address has no certificate'],
    [{ prometheus: 'https://ci:pw@prom.example.com' }, 'prometheus: an address with a user or a password would end up in logs'],
    [{ 'dead-man': '10s' }, 'dead-man: "10s" is out of range; valid is 15s to 1h'],
    [{ 'dead-man': '61m' }, 'out of range'],
    [{ timeout: '30s' }, 'timeout: 30s ends before min-duration (1m) is over'],
    [{ timeout: '25h' }, 'out of range; valid is 1s to 24h'],
    [{ force: 'True' }, 'force: "True" is not valid; valid: true, false'],
    [{ 'on-inconclusive': 'pray' }, 'valid: rollback, promote'],
    [{ evidence: 'all' }, 'valid: logs, events, none'],
  ])('%j', (inputs, problem) => {
    expect(problemsOf({ ...least, ...inputs })).toContain(problem);
  });

  test('all at once, in one message', () => {
    const message = problemsOf(
      { steps: '60%', force: 'yes', timeout: 'soon' },
      { repositoryPrivate: true, environmentNames: ['INPUT_STEP'] },
    );
    expect(message.split('\n')).toEqual([
      '6 inputs are wrong:',
      expect.stringContaining('- deployment: '),
      expect.stringContaining('- tag: '),
      expect.stringContaining('- timeout: '),
      expect.stringContaining('- steps: '),
      expect.stringContaining('- force: '),
      '- step: there is no such input; did you mean steps?',
    ]);
  });

  test('never with anything else than a UserError', () => {
    const names = inputSchema.map((input) => input.name);
    const text = fc.oneof(anyText, fc.constantFrom('', 'web', '10%', '5m', 'a=b:c', 'true', address));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), text), (inputs) => {
        problemsOf(inputs);
      }),
    );
  });
});

describe('green-deployment', () => {
  const pair = { ...least, strategy: 'blue-green', steps: '', 'green-deployment': 'web-2' };

  test('names the idle Deployment of a flip', () => {
    const { release } = parse(pair);
    expect(release).toMatchObject({ strategy: 'blue-green', greenDeployment: 'web-2', canaryDeployment: undefined, steps: [] });
    expect(parse({ ...least, strategy: 'blue-green', steps: '' }).release.greenDeployment).toBeUndefined();
  });

  test.each([
    [{ ...pair, 'green-deployment': 'web' }, 'green-deployment: it is the same as deployment'],
    [{ ...pair, 'green-deployment': 'Web' }, 'green-deployment: "Web" is not the name of a Deployment'],
    [{ ...pair, strategy: 'canary' }, 'green-deployment: it is only valid with strategy: blue-green'],
    [{ ...pair, 'canary-deployment': 'web-3' }, 'canary-deployment: it is only valid with strategy: canary'],
    [{ ...pair, env: 'A=1' }, 'env: a second Deployment of your own (green-deployment) gets images only'],
    [{ ...pair, 'config-maps': 'web.yaml' }, 'config-maps: a second Deployment of your own (green-deployment) gets images only'],
  ])('%j is refused', (inputs, words) => {
    expect(problemsOf(inputs)).toContain(words);
  });
});

describe('canary-deployment', () => {
  const pair = { ...least, 'canary-deployment': 'web-v2' };

  test('is a second Deployment, whose shares may go up to all', () => {
    const { release } = parse({ ...pair, steps: '10%, 75%, 100%' });
    expect(release.canaryDeployment).toBe('web-v2');
    expect(release.steps.map((step) => step.weightPercent)).toEqual([10, 75, 100]);
    expect(parse(least).release.canaryDeployment).toBeUndefined();
  });

  test.each([
    [{ ...pair, 'canary-deployment': 'web' }, 'canary-deployment: it is the same as deployment'],
    [{ ...pair, 'canary-deployment': 'Web' }, 'canary-deployment: "Web" is not the name of a Deployment'],
    [{ ...pair, steps: '100%' }, 'steps: 100% alone leaves nothing to compare with'],
    [{ ...pair, steps: '50%, 100% for 5m' }, 'steps: 100% is the end, which has no time'],
    [{ ...pair, steps: '50%, 101%' }, 'steps: '],
    [{ ...least, steps: '75%' }, 'end at 50 %: more is promotion'],
  ])('%j is refused', (inputs, words) => {
    expect(problemsOf(inputs)).toContain(words);
  });
});

describe('probe-url', () => {
  test('is parsed, and a wrong one is not repeated', () => {
    expect(parse({ ...least, 'probe-url': 'https://shop.example.com/healthz' }).probe).toMatchObject({ kind: 'url' });
    const problems = problemsOf({ ...least, 'probe-url': 'ftp://user:s3cret@host' });
    expect(problems).toContain('probe-url: this is not an address');
    expect(problems).not.toContain('s3cret');
  });
});
