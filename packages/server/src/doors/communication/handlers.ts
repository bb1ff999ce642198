import { communication } from '@countersign/contract';
import {
  type CommunicationPorts,
  type Decided,
  decideCommunication,
} from '../../service/communication/decide.ts';
import { type DemonstrationLedger, demonstrate } from '../../service/communication/demonstrate.ts';
import { type CommunicationResult, refuse } from '../../service/communication/faults.ts';
import {
  type ListRequest,
  listTransactions,
  readDecision,
  readPacket,
  readTransaction,
  type Shown,
} from '../../service/communication/reading.ts';
import type { Actor } from '../../service/ports.ts';
import type { Answer } from './answer.ts';
import type { Call, DecisionRoute, Handler } from './door.ts';

export interface HandlerPorts {
  readonly decisions: CommunicationPorts;
  /** The same, over a ledger that is thrown away after one decision. */
  readonly demonstrations: CommunicationPorts;
  readonly demonstrationLedger: DemonstrationLedger;
  readonly countDecision: (decided: Decided) => void;
}

/** One handler per route: form in, use case, text out. */
export function communicationHandlers(
  ports: HandlerPorts,
): Readonly<Record<DecisionRoute, Handler>> {
  const { decisions } = ports;
  const creating =
    (route: 'decisions' | 'communication_transactions'): Handler =>
    async (call) => {
      const request = requestOf(communication.readDecisionRequest(call.body));
      if (!request.ok) return request;
      const decided = await decideCommunication(decisions, {
        actor: actorOf(call),
        route,
        request: request.value,
        idempotencyKey: call.idempotencyKey ?? '',
        traceId: call.traceId,
        clientTrace: call.clientTrace,
        testScenario: call.testScenario,
      });
      if (!decided.ok) return decided;
      ports.countDecision(decided.value);
      return { ok: true, value: created(route, decided.value, decisions.mode) };
    };
  const reading =
    (read: (call: Call, actor: Actor) => Promise<CommunicationResult<Shown>>): Handler =>
    async (call) => {
      const shown = await read(call, actorOf(call));
      return shown.ok ? { ok: true, value: { status: 200, ...shown.value } } : shown;
    };
  return {
    createDecision: creating('decisions'),
    createTransaction: creating('communication_transactions'),
    getDecision: reading((call, actor) => readDecision(decisions, actor, call.id)),
    getTransaction: reading((call, actor) => readTransaction(decisions, actor, call.id)),
    listTransactions: reading(({ query }, actor) =>
      listTransactions(decisions, actor, {
        limit: communication.TRANSACTION_LIMIT_DEFAULT,
        ...query,
      } as ListRequest),
    ),
    getProofPacket: reading(({ id, query }, actor) =>
      readPacket(decisions, actor, id, {
        view: query['view'] === 'full' ? 'full' : 'minimal',
        salt: query['include'] === 'salt',
      }),
    ),
    async createDemoDecision(call) {
      const request = requestOf(communication.readDemoRequest(call.body));
      if (!request.ok) return request;
      const shown = await demonstrate(ports.demonstrations, ports.demonstrationLedger, {
        request: request.value,
        traceId: call.traceId,
        clientTrace: call.clientTrace,
      });
      if (!shown.ok) return shown;
      return {
        ok: true,
        value: { status: 200, text: shown.value, headers: decisionHeaders('demo', false) },
      };
    },
  };
}

/** A request that may be decided. What has been done already gets no record that could justify it. */
function requestOf<Request extends communication.DecisionRequest>(
  read: communication.Read<Request>,
): CommunicationResult<Request> {
  if (!read.ok) return refuse('validation_error', { problems: read.problems });
  if (read.value.proposed_action?.already_performed === true) {
    return refuse('after_the_fact_not_supported', {
      problems: [{ param: '/proposed_action/already_performed', problem: 'must not be true' }],
    });
  }
  return { ok: true, value: read.value };
}

function actorOf({ actor }: Call): Actor {
  if (actor === undefined) throw new Error('bug in doors: a route for actors without one');
  return actor;
}

function created(
  route: 'decisions' | 'communication_transactions',
  decided: Decided,
  mode: CommunicationPorts['mode'],
): Answer {
  const { id, replayed, provider } = decided;
  const ids = { decisions: id.decision, communication_transactions: id.transaction };
  return {
    status: 201,
    text: route === 'decisions' ? decided.decision : decided.transaction,
    traceId: decided.traceId,
    headers: {
      ...decisionHeaders(mode, provider.used),
      location: `/v1/${route}/${ids[route]}`,
      ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
    },
  };
}

const BUDGETS = { demo: 'mock', test: 'test', live: 'live' } as const;

/** By which means a decision was made. */
function decisionHeaders(
  mode: CommunicationPorts['mode'],
  asked: boolean,
): Readonly<Record<string, string>> {
  return {
    'genius-budget-mode': BUDGETS[mode],
    'genius-intelligence-path': asked ? 'standard' : 'low',
    'genius-council-used': 'false',
    'genius-research-used': 'false',
  };
}
