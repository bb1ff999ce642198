import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What `/metrics` shows. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly decisions: Counter<'verdict'>;
  readonly appends: Counter<'result'>;
  readonly communications: Counter<'state' | 'allowed' | 'provider'>;
  readonly communicationFaults: Counter<'code'>;
}

/** Registers all metrics of one server. `waiting` and `size` are read at each scrape. */
export function createMetrics(read: {
  readonly waiting: () => number;
  readonly size: () => number;
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: 'countersign_ledger_waiting',
    help: 'Entries waiting for a group commit',
    registers,
    collect() {
      this.set(read.waiting());
    },
  });
  new Gauge({
    name: 'countersign_ledger_size',
    help: 'Entries in the ledger, as last seen by this process',
    registers,
    collect() {
      this.set(read.size());
    },
  });
  return {
    registry,
    requests: new Histogram({
      name: 'countersign_request_seconds',
      help: 'Time from request to answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    }),
    decisions: new Counter({
      name: 'countersign_decisions_total',
      help: 'Decisions recorded, by verdict',
      labelNames: ['verdict'],
      registers,
    }),
    communications: new Counter({
      name: 'countersign_communications_total',
      help: 'Decisions on communications recorded, by light, gate and outcome of the provider',
      labelNames: ['state', 'allowed', 'provider'],
      registers,
    }),
    communicationFaults: new Counter({
      name: 'countersign_communication_faults_total',
      help: 'Refusals of the communication door, by code',
      labelNames: ['code'],
      registers,
    }),
    appends: new Counter({
      name: 'countersign_appends_total',
      help: 'Ledger appends, by result',
      labelNames: ['result'],
      registers,
    }),
  };
}
