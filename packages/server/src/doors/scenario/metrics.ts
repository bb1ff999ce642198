import { Counter, Histogram, Registry } from 'prom-client';

/** One request as it is counted. */
export interface Observed {
  readonly transport: string;
  readonly method: string;
  readonly tool: string | null;
  readonly outcome: 'Ok' | 'Error';
  readonly error_kind: string | null;
  /** `null`: more than is read. */
  readonly request_bytes: number | null;
  readonly response_bytes: number;
  readonly latencyMs: number;
}

/** What `/metrics` shows of the scenario door. */
export interface ScenarioMetrics {
  readonly registry: Registry;
  observe(request: Observed): void;
}

const LATENCY_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576];

export function scenarioMetrics(): ScenarioMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'decision_gate_requests_total',
    help: 'Requests, by what became of them',
    labelNames: ['transport', 'method', 'tool', 'outcome', 'error_kind'],
    registers,
  });
  const latency = new Histogram({
    name: 'decision_gate_request_milliseconds',
    help: 'Time from request to answer',
    labelNames: ['method', 'tool', 'outcome'],
    buckets: LATENCY_MS,
    registers,
  });
  const requestBytes = new Histogram({
    name: 'decision_gate_request_bytes',
    help: 'Size of request bodies',
    labelNames: ['method', 'tool'],
    buckets: BYTES,
    registers,
  });
  const responseBytes = new Histogram({
    name: 'decision_gate_response_bytes',
    help: 'Size of response bodies',
    labelNames: ['method', 'tool'],
    buckets: BYTES,
    registers,
  });
  return {
    registry,
    observe({ transport, method, outcome, ...request }) {
      const tool = request.tool ?? '';
      requests.inc({ transport, method, tool, outcome, error_kind: request.error_kind ?? '' });
      latency.observe({ method, tool, outcome }, request.latencyMs);
      responseBytes.observe({ method, tool }, request.response_bytes);
      if (request.request_bytes !== null)
        requestBytes.observe({ method, tool }, request.request_bytes);
    },
  };
}
