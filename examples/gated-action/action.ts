import type { DecideInput, Intent } from '@countersign/client';
import type { Members } from '@countersign/proof';

/** Exactly what would be done, named before any connector is called. */
export interface Mutation {
  /** Selects the policy. */
  readonly workflow: string;
  readonly requestedAction: string;
  /** What the decision is about; the record's `action_binding.resource`. */
  readonly resource: string;
  readonly actor?: string;
  readonly targetSystem: string;
  readonly targetObjectId: string;
  readonly mutation: string;
  /** What the policy binds, with the values that will be used. */
  readonly parameters: Members;
}

/** One bounded action that is asked for before it is done. */
export interface Action {
  /** `decision_actions.source_system`. */
  readonly sourceSystem: string;
  readonly sourceRecordId: string;
  /** Stable for this action: redelivering it is asking the same question under the same key. */
  readonly key: string;
  readonly question: string;
  /** What the policy judges beside the mutation itself. */
  readonly facts: Members;
  readonly mutation: Mutation;
  /** What was observed once it is done, for the Outcome Record. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** The question to the gate. */
export function requestOf({ question, facts, mutation }: Action): DecideInput & Members {
  return {
    question,
    mode: 'single',
    context: {
      ...facts,
      ...mutation.parameters,
      workflow: mutation.workflow,
      requested_action: mutation.requestedAction,
      ...(mutation.actor !== undefined && { actor: mutation.actor }),
      target_system: mutation.targetSystem,
      target_object_id: mutation.targetObjectId,
      mutation: mutation.mutation,
    },
  };
}

/** What the stored record is compared with right before acting. */
export function intentOf(mutation: Mutation): Intent {
  return {
    proposed_action: mutation.requestedAction,
    system: mutation.workflow,
    resource: mutation.resource,
    ...(mutation.actor !== undefined && { actor: mutation.actor }),
    target_system: mutation.targetSystem,
    target_object_id: mutation.targetObjectId,
    mutation: mutation.mutation,
    parameters: mutation.parameters,
  };
}

/** What claims and receipts say of it. */
export function saidOf(mutation: Mutation) {
  return {
    action_taken: mutation.requestedAction,
    target_system: mutation.targetSystem,
    target_object_id: mutation.targetObjectId,
    mutation: mutation.mutation,
    parameters: mutation.parameters,
  } as const;
}

/** Joins parts into an idempotency key; each part is written so that another cannot be mistaken for it. */
export function keyOf(...parts: readonly string[]): string {
  return parts.map((part) => encodeURIComponent(part)).join(':');
}
