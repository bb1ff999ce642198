import type { scenario } from '@countersign/policy';
import { disclosed, mayShowRaw } from './evidence.ts';
import type { Caller, ScenarioPorts } from './ports.ts';
import { type FeedbackLevel, roleCovers } from './settings.ts';

const RANK = { summary: 0, trace: 1, evidence: 2 } as const satisfies Record<FeedbackLevel, number>;

interface Named {
  readonly tenant_id: scenario.Int;
  readonly namespace_id: scenario.Int;
}

/** What a caller is told beside the decision. */
export interface Feedback {
  readonly level: FeedbackLevel;
  readonly denied_reason?: string;
  readonly gate_evaluations?: readonly scenario.GateEvaluation[];
  readonly gate_records?: readonly scenario.GateEvalRecord[];
}

/** The feedback on one trigger, as far as the caller may have it; `undefined`: none was asked for and none is due. */
export function feedbackOn(
  { settings, providers }: Pick<ScenarioPorts, 'settings' | 'providers'>,
  caller: Caller,
  asked: FeedbackLevel | undefined,
  trigger: Named & { readonly trigger_id: string },
  found: { readonly spec: scenario.ScenarioSpec; readonly state: scenario.RunState },
): Feedback | undefined {
  const rules = settings.server.feedback;
  const due = caller.authMethod === 'local' ? rules.localOnlyDefault : rules.default;
  const requested = asked ?? due;
  const capped = RANK[requested] <= RANK[rules.max] ? requested : rules.max;
  const may = (subjects: readonly string[], roles: readonly string[]): boolean =>
    subjects.includes(caller.principalId) ||
    caller.roles.some(
      (role) =>
        roles.includes(role.name) && roleCovers(role, trigger.tenant_id, trigger.namespace_id),
    );
  const mayTrace = may(rules.traceSubjects, rules.traceRoles);
  const level =
    capped === 'evidence' && may(rules.evidenceSubjects, rules.evidenceRoles)
      ? 'evidence'
      : capped !== 'summary' && mayTrace
        ? 'trace'
        : 'summary';
  const denied = RANK[level] < RANK[requested];
  if (level === 'summary' && asked === undefined && !denied) return undefined;
  const records = found.state.gate_evals.filter((one) => one.trigger_id === trigger.trigger_id);
  return {
    level,
    ...(denied
      ? { denied_reason: `feedback level denied (requested=${requested}, allowed=${level})` }
      : {}),
    ...(level === 'summary'
      ? {}
      : { gate_evaluations: records.map(({ evaluation }) => evaluation) }),
    ...(level === 'evidence'
      ? {
          gate_records: records.map((record) => shown(record, found.spec, { settings, providers })),
        }
      : {}),
  };
}

/** A record with what its providers do not let out taken away. */
function shown(
  record: scenario.GateEvalRecord,
  spec: scenario.ScenarioSpec,
  { settings, providers }: Pick<ScenarioPorts, 'settings' | 'providers'>,
): scenario.GateEvalRecord {
  const providerOf = new Map(
    spec.conditions.map(({ condition_id, query }) => [condition_id, query.provider_id]),
  );
  return {
    ...record,
    evidence: record.evidence.map((one) => {
      const provider = providers.get(providerOf.get(one.condition_id) ?? '');
      return { ...one, result: disclosed(one.result, mayShowRaw(settings, provider)) };
    }),
  };
}
