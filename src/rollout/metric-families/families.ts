/** Names that `metrics` takes to fix where the requests are counted, in the order in which they are looked for. */
export const presets = ['prometheus-client', 'opentelemetry', 'spring-boot', 'grpc', 'istio', 'linkerd'] as const;
export type Preset = (typeof presets)[number];

/** How a label's value tells that the server has failed. */
export type OutcomeKind = 'http-status' | 'grpc-name' | 'grpc-number' | 'linkerd-class';

/** One well-known way to count the requests that a pod has answered. */
export type Family = {
  readonly preset: Preset;
  /** The counter's name, as it is exposed. */
  readonly counter: string;
  readonly outcome: OutcomeKind;
  /** Labels that may hold the outcome. */
  readonly outcomeLabels: readonly string[];
  /** Labels and the one value that counts: a proxy counts what its pod asks of others too. */
  readonly only: Readonly<Record<string, string>>;
  /** Labels that name what was asked for. */
  readonly pathLabels: readonly string[];
  /** Values of `pathLabels` that are no requests of clients: a whole-value regular expression, the same in RE2 and JavaScript. */
  readonly notRequests: string;
  /** Where latencies are counted, and how many seconds its unit has. */
  readonly buckets: { readonly name: string; readonly unitSeconds: number } | undefined;
};

const httpPaths = ['path', 'uri', 'route', 'handler', 'http_route'] as const;
/** Probes, scrapes and the actuator; with or without the slash and the method, as frameworks write them. */
const notRequests = '(?:GET )?/?(?:metrics|healthz|readyz|livez|health|ready|live|actuator(?:/.*)?)';
const notCalls = 'grpc[.]health[.].*';
const clientLabels = ['code', 'status', 'status_code'] as const;

const http = (preset: Preset, counter: string, outcomeLabels: readonly string[], buckets: Family['buckets']): Family => {
  return { preset, counter, outcome: 'http-status', outcomeLabels, only: {}, pathLabels: httpPaths, notRequests, buckets };
};
const inSeconds = (name: string) => ({ name: `${name}_bucket`, unitSeconds: 1 });
const inMilliseconds = (name: string) => ({ name: `${name}_bucket`, unitSeconds: 0.001 });
const oldNames = ['http_status_code', 'http_response_status_code'] as const;

/**
 * The families that are looked for, in this order. Sources: client_golang's and podinfo's names; OpenTelemetry's semantic conventions for HTTP
 * (stable, and the names before 1.20) and RPC; Micrometer; prometheus-net; go-grpc-middleware; Istio's standard metrics; Linkerd's proxy metrics.
 */
export const families: readonly Family[] = [
  http('prometheus-client', 'http_requests_total', clientLabels, inSeconds('http_request_duration_seconds')),
  http('prometheus-client', 'http_request_duration_seconds_count', clientLabels, inSeconds('http_request_duration_seconds')),
  http('prometheus-client', 'http_requests_received_total', clientLabels, inSeconds('http_request_duration_seconds')),
  http(
    'opentelemetry',
    'http_server_request_duration_seconds_count',
    ['http_response_status_code'],
    inSeconds('http_server_request_duration_seconds'),
  ),
  http('opentelemetry', 'http_server_duration_seconds_count', oldNames, inSeconds('http_server_duration_seconds')),
  http('opentelemetry', 'http_server_duration_milliseconds_count', oldNames, inMilliseconds('http_server_duration_milliseconds')),
  http('opentelemetry', 'http_server_duration_count', oldNames, inMilliseconds('http_server_duration')),
  {
    preset: 'opentelemetry',
    counter: 'rpc_server_duration_milliseconds_count',
    outcome: 'grpc-number',
    outcomeLabels: ['rpc_grpc_status_code'],
    only: {},
    pathLabels: ['rpc_service'],
    notRequests: notCalls,
    buckets: inMilliseconds('rpc_server_duration_milliseconds'),
  },
  http('spring-boot', 'http_server_requests_seconds_count', ['status'], inSeconds('http_server_requests_seconds')),
  {
    preset: 'grpc',
    counter: 'grpc_server_handled_total',
    outcome: 'grpc-name',
    outcomeLabels: ['grpc_code'],
    only: {},
    pathLabels: ['grpc_service'],
    notRequests: notCalls,
    buckets: inSeconds('grpc_server_handling_seconds'),
  },
  {
    preset: 'istio',
    counter: 'istio_requests_total',
    outcome: 'http-status',
    outcomeLabels: ['response_code'],
    only: { reporter: 'destination' },
    pathLabels: [],
    notRequests: '',
    buckets: inMilliseconds('istio_request_duration_milliseconds'),
  },
  {
    preset: 'linkerd',
    counter: 'response_total',
    outcome: 'linkerd-class',
    outcomeLabels: ['classification'],
    only: { direction: 'inbound' },
    pathLabels: [],
    notRequests: '',
    buckets: { name: 'response_latency_ms_bucket', unitSeconds: 0.001 },
  },
];

/** The families of one preset, or all. */
export function familiesOf(preset: Preset | undefined): readonly Family[] {
  return preset === undefined ? families : families.filter((family) => family.preset === preset);
}
