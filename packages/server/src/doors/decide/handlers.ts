import {
  type decide,
  type Fault,
  fail,
  fieldError,
  type OperationName,
  ok,
  type Result,
} from '@countersign/contract';
import type { Answer } from '@countersign/policy';
import { readPacket } from '@countersign/proof';
import {
  parsePublicKey,
  parseRegistry,
  type Trust,
  verifyPacket,
  verifyRecord,
} from '@countersign/verify';
import { type Keyring, renderRegistry } from '../../keys/keyring.ts';
import { type Answered, decideAndRecord, type Made, type Ports } from '../../service/decide.ts';
import { recordExecution } from '../../service/execution.ts';
import { type Kept, lifecycleState, readHistory, readInputValue } from '../../service/history.ts';
import { recordOutcome } from '../../service/outcome.ts';
import { exportPacket } from '../../service/packet.ts';
import type { Principal } from '../../service/ports.ts';
import { artefactText, readRecorded } from '../../service/recorded.ts';
import { replay } from '../../service/replay.ts';
import type { Template } from '../../service/templates.ts';
import type { Call, Handler, Reply } from '../call.ts';
import { json } from '../call.ts';
import type { Metrics } from '../metrics.ts';
import { ledgerHandlers } from './ledger-handlers.ts';
import { decisionText, recordText } from './views.ts';

export interface DoorPorts extends Ports {
  readonly keyring: Keyring;
  readonly templates: readonly Template[];
  readonly metrics: Metrics;
  readonly status: () => Promise<Readonly<Record<string, unknown>>>;
}

const DEFAULT_LIST_LIMIT = 50;

/** Handlers of all operations of the Decide door. Each turns a call into one use case and its answer into text. */
export function decideHandlers(ports: DoorPorts): Record<OperationName, Handler> {
  const { reader, keyring } = ports;
  const { origin } = keyring;
  const trust = ownTrust(keyring, ports.environment);

  return {
    decide: async (call) => {
      const request = call.body as decide.DecideRequest;
      const view = agreedView(call.view, request.response_view);
      if (!view.ok) return view;
      const answered = await decideAndRecord(ports, {
        principal: principalOf(call),
        requestId: call.requestId,
        request,
        idempotencyKey: call.idempotencyKey,
        traceparent: call.traceparent,
      });
      if (!answered.ok) return answered;
      const { recorded, replayed } = answered.value;
      const { verdict, recordHash, requestId } = madeOf(answered.value);
      if (!replayed) ports.metrics.decisions.inc({ verdict });
      return ok({
        text: decisionText(recorded, view.value, verdict),
        headers: {
          'x-decide-record-hash': recordHash,
          'x-request-id': requestId,
          ...replayHeader(answered.value),
        },
      });
    },

    lookupDecision: async (call) => {
      const history = await readHistory(reader, principalOf(call).tenant, call.id);
      if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
      const state = lifecycleState(history, ports.ambient.now());
      const { size } = await reader.readHead();
      const recorded = await readRecorded(reader, history.record.entry, origin, size);
      const record = recordText(recorded, call.view ?? 'full', state);
      const base = `/api/decision/${call.id}`;
      const input =
        call.query['include_input'] === true
          ? await reader.readInput(history.record.entry.seq)
          : undefined;
      const rest = JSON.stringify({
        lifecycle_state: state,
        children: [],
        links: {
          executions: `${base}/execution`,
          outcomes: `${base}/outcome`,
          packet: `${base}/packet`,
        },
      });
      const inputText = input === undefined ? '' : `,"input":${input}`;
      return ok({
        text: `{"ok":true,"decision_record":${record},${rest.slice(1, -1)}${inputText}}`,
      });
    },

    verifyDecision: async (call) => {
      const history = await readHistory(reader, principalOf(call).tenant, call.id);
      if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
      const { entry } = history.record;
      const recorded = await readRecorded(reader, entry, origin);
      const state = lifecycleState(history, ports.ambient.now());
      const record: unknown = JSON.parse(recordText(recorded, 'full', state));
      const input = await readInputValue(reader, entry.seq);
      return ok(json(verifyRecord({ record, trust, ...(input === undefined ? {} : { input }) })));
    },

    openReplay: (call) => replayed(call),
    replayDecision: (call) => replayed(call),

    recordExecution: async (call) => {
      const answered = await recordExecution(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.ExecutionRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const { recorded } = answered.value;
      const execution = JSON.parse(artefactText(recorded)) as Record<string, unknown>;
      if (execution['action_binding_match'] === true) {
        return ok({ ...json({ ok: true, execution }), headers: replayHeader(answered.value) });
      }
      const reasons = execution['binding_mismatch_reasons'] as readonly string[];
      return fail({
        code: reasons.includes('LINK_MISMATCH')
          ? 'DECIDE_EXECUTION_LINK_MISMATCH'
          : 'DECIDE_EXECUTION_BINDING_MISMATCH',
        more: { recorded: true, required_action: 'stop_and_route_to_owner', execution },
        headers: replayHeader(answered.value),
      });
    },

    listExecutions: (call) => list(call, ({ executions }) => executions),

    recordOutcome: async (call) => {
      const answered = await recordOutcome(ports, {
        principal: principalOf(call),
        decisionId: call.id,
        request: call.body as decide.OutcomeRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!answered.ok) return answered;
      const outcome: unknown = JSON.parse(artefactText(answered.value.recorded));
      return ok({ ...json({ ok: true, outcome }), headers: replayHeader(answered.value) });
    },

    listOutcomes: (call) => list(call, ({ outcomes }) => outcomes),

    decisionPacket: async (call) => {
      const { query } = call;
      const number = (name: string, fallback: number): number =>
        typeof query[name] === 'number' ? query[name] : fallback;
      const envelope = await exportPacket(ports, principalOf(call), call.id, {
        includeInput: query['include_input'] === true,
        includeChain: query['include_chain'] !== false,
        includePolicy: query['include_policy'] !== false,
        executionLimit: number('execution_limit', 100),
        outcomeLimit: number('outcome_limit', 100),
        chainLimit: number('chain_limit', 200),
        asOf: typeof query['as_of'] === 'number' ? query['as_of'] : undefined,
      });
      return envelope.ok ? ok(json(envelope.value)) : envelope;
    },

    verifyRecord: async (call) => verifyExported(call, trust),

    receiptKeys: async () => {
      const registry = renderRegistry(keyring);
      // What a verifier would refuse is not published in part.
      if (!parseRegistry(registry).ok) return fail({ code: 'DECIDE_KEY_HISTORY_INVALID' });
      return ok({ ...json(registry), headers: { 'cache-control': 'public, max-age=60' } });
    },

    status: async () => ok(json(await ports.status())),

    policyPatterns: async ({ query }) => {
      const patterns = ports.templates
        .map(({ pattern }) => pattern)
        .filter((pattern) => matchesPattern(pattern, query));
      const [first] = patterns;
      return ok(
        json({
          ok: true,
          decision_protocol_version: 'decision_protocol_v1',
          decision_record_version: 'decision_record_v1',
          decision_pattern_registry_version: 'decision_pattern_registry_v1',
          source: 'first_party',
          status: 'active',
          count: patterns.length,
          patterns,
          ...(query['pattern_id'] === undefined || first === undefined
            ? {}
            : { policy_pattern: first }),
        }),
      );
    },

    ...ledgerHandlers(ports),
  };

  async function replayed(call: Call): Promise<Result<Reply>> {
    const report = await replay(ports, principalOf(call), call.id);
    return report.ok ? ok(json({ ok: true, ...report.value })) : report;
  }

  async function list(
    call: Call,
    pick: (history: { executions: readonly Kept[]; outcomes: readonly Kept[] }) => readonly Kept[],
  ): Promise<Result<Reply>> {
    const history = await readHistory(reader, principalOf(call).tenant, call.id);
    if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
    const cursor = call.query['cursor'];
    if (cursor !== undefined && !(typeof cursor === 'string' && /^\d{1,15}$/.test(cursor))) {
      return fail({
        code: 'DECIDE_API_INVALID_QUERY',
        fields: [fieldError('/cursor', 'invalid_value')],
      });
    }
    const after = cursor === undefined ? -1 : Number(cursor);
    const limit = Number(call.query['limit'] ?? DEFAULT_LIST_LIMIT);
    const rest = pick(history).filter(({ entry }) => entry.seq > after);
    const page = rest.slice(0, limit);
    const items = await Promise.all(
      page.map(
        async ({ entry }): Promise<unknown> =>
          JSON.parse(artefactText(await readRecorded(reader, entry, origin))),
      ),
    );
    const last = page.at(-1);
    return ok(
      json({
        ok: true,
        decision_id: call.id,
        count: items.length,
        items,
        ...(rest.length > page.length && last !== undefined
          ? { next_cursor: String(last.entry.seq) }
          : {}),
      }),
    );
  }
}

/** The server's own registry is what it trusts. */
function ownTrust(keyring: Keyring, environment: Trust['environment']): Trust {
  const registry = parseRegistry(renderRegistry(keyring));
  if (!registry.ok) throw new Error('the key registry of this server is not valid');
  return { registry: registry.value, environment };
}

function verifyExported(call: Call, own: Trust): Result<Reply> {
  const body = call.body as Readonly<Record<string, unknown>>;
  const pem = body['public_key'];
  // A caller's own key helps to see what is wrong; it is marked as theirs and never trusted.
  const publicKey = typeof pem === 'string' ? parsePublicKey(pem, 'request_body') : undefined;
  const trust = { ...own, publicKey };
  const optional = {
    ...('input' in body ? { input: body['input'] } : {}),
    ...(typeof body['checkpoint'] === 'string' ? { checkpoint: body['checkpoint'] } : {}),
  };
  if (readPacket(body) !== undefined) {
    return ok(json(verifyPacket({ file: body, trust, ...optional })));
  }
  if (body['record'] === undefined) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: [fieldError('/record', 'required')],
    });
  }
  const result = verifyRecord({ record: body['record'], trust, ...optional });
  return result.error?.code === 'DECIDE_VERIFY_VIEW_INCOMPLETE'
    ? fail({ code: 'DECIDE_VERIFY_VIEW_INCOMPLETE' })
    : ok(json(result));
}

function matchesPattern(
  pattern: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>>,
): boolean {
  const { pattern_id: id, tag } = query;
  if (id !== undefined && pattern['pattern_id'] !== id) return false;
  const tags = pattern['tags'];
  return tag === undefined || (Array.isArray(tags) && tags.includes(tag));
}

function agreedView(
  header: decide.ResponseView | undefined,
  member: decide.ResponseView | undefined,
): Result<decide.ResponseView, Fault> {
  if (header !== undefined && member !== undefined && header !== member) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: [fieldError('/response_view', 'invalid_value')],
    });
  }
  return ok(header ?? member ?? 'full');
}

/** Verdict and hash of an answered record: one just made is known, one that was there before is read. */
function madeOf({ made, recorded }: Answered): Made {
  if (made !== undefined) return made;
  const record = JSON.parse(recorded.subject) as {
    readonly verdict: Answer;
    readonly record_hash: string;
    readonly request_id: string;
  };
  return {
    verdict: record.verdict,
    recordHash: record.record_hash,
    requestId: record.request_id,
  };
}

function principalOf(call: Call): Principal {
  if (call.principal === undefined) throw new Error(`${call.operation} without a principal`);
  return call.principal;
}

function replayHeader({ replayed }: Answered): Record<string, string> {
  return replayed ? { 'x-idempotent-replay': '1' } : {};
}
