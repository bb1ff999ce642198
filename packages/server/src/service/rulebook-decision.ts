import { type decide, type ErrorCode, fail, ok, type Result } from '@countersign/contract';
import {
  assessRulebook,
  isObject,
  type Json,
  type JsonObject,
  type RulebookAssessment,
  readInstant,
} from '@countersign/policy';
import { parseAdapterReference } from '../adapters/reference.ts';
import { ADAPTER_CODE_HASH, type AdapterRun, runAdapter } from '../adapters/run-adapter.ts';
import { type Answered, APPEND_FAULTS, type DecideCommand, invalid, type Ports } from './decide.ts';
import { type TakenIn, takeIn } from './intake.ts';
import { handlesOf } from './judge.ts';
import type { Draft } from './ledger-writer.ts';
import type { Idempotency } from './ports.ts';
import { recordedFrom } from './recorded.ts';
import { type RulebookFacts, sealRulebookDecision } from './rulebook-record.ts';
import {
  type Lineage,
  type NamedRulebook,
  nameRulebook,
  noteRulebook,
  type Registration,
  readRulebook,
  registers,
} from './rulebooks.ts';

type RulebookCommand = DecideCommand<decide.RulebookDecideRequest>;

/** Where the facts of a rulebook may come from: out of the request, or from a registered adapter. */
export const BINDING_MODES = [
  'direct_declarative_rulebook',
  'trusted_adapter_facts_then_declarative_rulebook',
] as const;
export type BindingMode = (typeof BINDING_MODES)[number];

/** What a request binds its rulebook to, by what it brings along. */
export function bindingModeOf(request: { readonly adapter?: unknown }): BindingMode {
  return BINDING_MODES[request.adapter === undefined ? 0 : 1];
}

/** A rulebook that this key may use. */
export interface Admitted {
  readonly named: NamedRulebook;
  readonly lineage: Lineage | undefined;
  /** Of exactly this content and lineage, whether or not somebody approved it. */
  readonly registration: Registration | undefined;
}

/** Reads the rulebook that came along. Only with a right of its own may a key use one that nobody approved. */
export async function admitRulebook(
  ports: Ports,
  { principal, request }: Pick<RulebookCommand, 'principal' | 'request'>,
): Promise<Result<Admitted>> {
  if (request.context === undefined && request.adapter === undefined) {
    return invalid('/context', 'required');
  }
  const named = nameRulebook(request.rulebook);
  if (!named.ok) return named;
  const lineage = lineageOf(request.adapter);
  const { rulebookId, version } = named.value.rulebook;
  const known = await readRulebook(ports.reader, principal.tenant, rulebookId, version);
  const registration =
    known.registration !== undefined && registers(known.registration, named.value, lineage)
      ? known.registration
      : undefined;
  if (registration?.approved !== true && !principal.scopes.includes('rulebook_adhoc')) {
    return fail({ code: 'DECIDE_RULEBOOK_NOT_REGISTERED' });
  }
  return ok({ named: named.value, lineage, registration });
}

/** Judges one request by the rulebook that it brings along and appends the record. */
export async function judgeByRulebook(
  ports: Ports,
  command: RulebookCommand,
  admitted: Admitted,
  idempotency: Idempotency | undefined,
): Promise<Result<Answered>> {
  const { principal, requestId } = command;
  const { named, lineage } = admitted;
  const taken = takeIn(ports, principal.tenant, command.request);
  const judged = await judgeFacts(named, taken.request, ports.ambient.now());
  if (!judged.ok) return fail({ code: judged.fault });
  let { registration } = admitted;
  if (registration === undefined && principal.scopes.includes('rulebook_register')) {
    const noted = await noteRulebook(ports, principal, named, lineage);
    if (!noted.ok) return noted;
    registration = noted.value;
  }

  const facts: RulebookFacts = {
    decisionId: ports.ambient.newId('dec_'),
    requestId,
    idempotencyKey: command.idempotencyKey,
    environment: ports.environment,
    traceparent: command.traceparent,
    taken,
    bindingMode: bindingModeOf(command.request),
    ...judged.value,
    reasons: reasonsAgainst(registration, taken, judged.value.at),
    registration,
    adapterCodeHash: judged.value.adapter === undefined ? undefined : ADAPTER_CODE_HASH,
  };
  const sealed = sealRulebookDecision(ports, named, facts);
  if (!sealed.ok) return sealed;
  const { rulebookId, version } = named.rulebook;
  const draft: Draft = {
    scope: principal.tenant,
    entryType: 'decision',
    decisionId: facts.decisionId,
    createdAt: new Date(facts.at).toISOString(),
    recordHash: sealed.value.recordHash,
    receiptHash: sealed.value.receiptHash,
    policyId: rulebookId,
    policyVersion: version,
    head: sealed.value.head,
    message: sealed.value.message,
    tail: sealed.value.tail,
    input: taken.storedText,
    idempotency,
    // A stored policy may have the id of a rulebook; its reports are not about this.
    handles: handlesOf(rulebookId, sealed.value, { requestId, context: taken.context }).filter(
      ({ kind }) => kind !== 'policy',
    ),
  };
  const appended = await ports.append(draft);
  if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
  return ok({
    recorded: recordedFrom(draft, appended.value),
    replayed: false,
    made: {
      verdict: facts.assessment.verdict,
      advisory: facts.reasons.length > 0,
      recordHash: sealed.value.recordHash,
      requestId,
    },
  });
}

/** One judgement with the facts that it was made from. */
export interface JudgedFacts {
  readonly assessment: RulebookAssessment;
  readonly judgedFacts: JsonObject;
  /** Where a registered adapter gave the facts. */
  readonly adapter?: AdapterRun;
  /** Unix milliseconds. */
  readonly at: number;
}

/** Judges by the facts of a request: those that it states, or those that its adapter makes of its input. */
export async function judgeFacts(
  { rulebook }: NamedRulebook,
  request: JsonObject,
  at: number,
): Promise<Result<JudgedFacts, ErrorCode>> {
  const { adapter: json, context } = request;
  if (json === undefined) {
    const inputs = isObject(context) ? context['inputs'] : undefined;
    const judgedFacts = isObject(inputs) ? inputs : {};
    const asked = { facts: judgedFacts, factsAt: 'context.inputs', at } as const;
    return ok({ assessment: assessRulebook(rulebook, asked), judgedFacts, at });
  }
  const reference = parseAdapterReference(json);
  if (!reference.ok) return { ok: false, fault: reference.fault.code };
  const adapter = await runAdapter(reference.value);
  if (!adapter.ok) return { ok: false, fault: ADAPTER_FAULTS[adapter.fault.code] };
  const judgedFacts = adapter.value.facts;
  const asked = { facts: judgedFacts, factsAt: 'adapter_facts', at } as const;
  const assessment = assessRulebook(rulebook, asked);
  return ok({ assessment, judgedFacts, adapter: adapter.value, at });
}

/** What the caller is told when an adapter gave no facts. */
export const ADAPTER_FAULTS = {
  input_invalid: 'TRUSTED_ADAPTER_INPUT_INVALID',
  output_invalid: 'TRUSTED_ADAPTER_OUTPUT_INVALID',
  execution_failed: 'TRUSTED_ADAPTER_EXECUTION_FAILED',
  execution_timeout: 'TRUSTED_ADAPTER_EXECUTION_TIMEOUT',
  capability_denied: 'TRUSTED_ADAPTER_CAPABILITY_DENIED',
} as const satisfies Record<string, ErrorCode>;

/** The adapter that a request names; the door has read the reference before. */
function lineageOf(adapter: unknown): Lineage | undefined {
  if (adapter === undefined) return undefined;
  const reference = parseAdapterReference(adapter as Json);
  if (!reference.ok) throw new Error('an adapter reference came past the door');
  const { adapter_id, version, manifest_hash } = reference.value.adapter;
  return { adapter_id, version, manifest_hash };
}

/** Why the answer only advises; none where it binds. They take authority away and never change the verdict. */
function reasonsAgainst(
  registration: Registration | undefined,
  { context }: TakenIn,
  at: number,
): readonly string[] {
  const reasons: string[] = [];
  if (registration?.approved !== true) reasons.push('RULEBOOK_NOT_REGISTERED');
  const { source_record_id: source, invoice_or_subscription_id: invoice, customer_id } = context;
  const hasResource = [source, invoice, customer_id].some((one) => typeof one === 'string');
  if (!hasResource) reasons.push('BINDING_INCOMPLETE');
  const expiresAt = context['expires_at'];
  if (expiresAt !== undefined) {
    const instant = typeof expiresAt === 'string' ? readInstant(expiresAt) : undefined;
    if (instant === undefined || instant < at) reasons.push('REQUEST_EXPIRED');
  }
  return reasons;
}
