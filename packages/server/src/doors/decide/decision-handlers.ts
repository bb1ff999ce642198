import { fail, ok } from '@countersign/contract';
import { verifyRecord } from '@countersign/verify';
import {
  type History,
  isAdvisory,
  lifecycleState,
  readHistory,
  readInputValue,
  supersededBy,
} from '../../service/history.ts';
import { ownTrust } from '../../service/own-trust.ts';
import { EVALUATOR_VERSION } from '../../service/policies.ts';
import { readRecorded } from '../../service/recorded.ts';
import { type HandlersOf, json, principalOf } from '../call.ts';
import { decideOne } from './decide-one.ts';
import type { DoorPorts } from './ports.ts';
import { recordText } from './views.ts';

/** Linked records shown of one decision. */
const CHILDREN_MAX = 100;

/** Deciding, and reading what was decided. */
export function decisionHandlers(
  ports: DoorPorts,
): HandlersOf<'decide' | 'lookupDecision' | 'verifyDecision'> {
  const { reader, origin } = ports;

  return {
    decide: (call) => decideOne(ports, call),

    lookupDecision: async (call) => {
      const history = await readHistory(reader, principalOf(call).tenant, call.id);
      if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
      const state = lifecycleState(history, ports.ambient.now());
      const { size } = await reader.readHead();
      const recorded = await readRecorded(reader, history.record.entry, origin, size);
      const {
        policy_id: policyId,
        verdict,
        // A rulebook may have the name of a stored policy, and nothing to do with it.
        evaluator_version: evaluator,
      } = history.record.subject;
      const record = recordText(recorded, call.view ?? 'full', state, {
        supersededBy: supersededBy(history),
        confidence:
          isAdvisory(history) || evaluator !== EVALUATOR_VERSION
            ? undefined
            : ports.confidence.textFor(
                history.record.entry.scope,
                String(policyId),
                String(verdict),
              ),
      });
      const children = await reader.readByHandle(
        history.record.entry.scope,
        { kind: 'parent', value: call.id },
        CHILDREN_MAX,
      );
      const base = `/api/decision/${call.id}`;
      const input =
        call.query['include_input'] === true
          ? await reader.readInput(history.record.entry.seq)
          : undefined;
      const rest = JSON.stringify({
        lifecycle_state: state,
        ...reviewOf(history),
        children: children.map(({ decisionId }) => decisionId).reverse(),
        links: {
          executions: `${base}/execution`,
          outcomes: `${base}/outcome`,
          crm_syncs: `${base}/crm-sync`,
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
      const trust = ownTrust(ports.keyring, ports.environment);
      return ok(json(verifyRecord({ record, trust, ...(input === undefined ? {} : { input }) })));
    },
  };
}

/** The last review item of a decision with what was said of it; nothing where no person was asked. */
function reviewOf(history: History): { readonly review?: unknown } {
  const item = history.reviewsOpened.at(-1);
  if (item === undefined) return {};
  const { review_id: id, kind, group, path, due_at: dueAt } = item.subject;
  const resolutions = history.reviewsResolved.filter(({ subject }) => subject['review_id'] === id);
  return {
    review: {
      review_id: id,
      kind,
      group,
      path,
      due_at: dueAt,
      resolutions: resolutions.map(({ subject }) => subject),
    },
  };
}
