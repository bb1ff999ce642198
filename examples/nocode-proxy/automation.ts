import { isMembers, type Members } from '@countersign/proof';
import { type Action, keyOf } from '../gated-action/action.ts';

/** One automation that may ask, and what of its events is looked at. */
export interface Automation {
  readonly id: string;
  readonly workflow: string;
  readonly requestedAction: string;
  readonly question: string;
  readonly targetSystem: string;
  readonly mutation: string;
  /** Context key → path in the event, such as `$.deal.discount` or `$.lines[0].plan`. Nothing else is read. */
  readonly facts: Readonly<Record<string, string>>;
  /** Like `facts`, for what the policy binds. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Path of the object that is about to change. */
  readonly object: string;
}

/** What a tool posts: ids that it must give, and an event that only the map looks into. */
export interface Event {
  readonly eventId: string;
  readonly runId: string;
  readonly body: Members;
}

const CREDENTIAL =
  /api[-_.]?key|token|secret|passw|passphrase|authorization|cookie|session|bearer/i;
const PATH = /^\$(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d{1,4}\])+$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,119}$/;

/**
 * Checks the maps when the proxy starts.
 *
 * @throws {TypeError} for a path that is none, and for a name that belongs to a credential.
 */
export function checkAutomation(automation: Automation): Automation {
  const maps = [...Object.entries(automation.facts), ...Object.entries(automation.parameters)];
  for (const [name, path] of [...maps, ['object', automation.object] as const]) {
    if (!PATH.test(path)) throw new TypeError(`\`${path}\` of ${automation.id} is no path.`);
    if (CREDENTIAL.test(name) || CREDENTIAL.test(path)) {
      throw new TypeError(`\`${name}\` of ${automation.id} is named like a credential.`);
    }
  }
  return automation;
}

export function readEvent(value: unknown): Event | undefined {
  if (!isMembers(value)) return undefined;
  const { event_id: eventId, run_id: runId } = value;
  if (typeof eventId !== 'string' || !ID.test(eventId)) return undefined;
  if (typeof runId !== 'string' || !ID.test(runId)) return undefined;
  return { eventId, runId, body: value };
}

export function actionKey(automation: Automation, eventId: string): string {
  return keyOf('nocode', automation.id, eventId, automation.requestedAction);
}

/** The action that an event is about; `undefined` where the event does not name its object. */
export function actionOf(automation: Automation, event: Event): Action | undefined {
  const object = valueAt(event.body, automation.object);
  if (typeof object !== 'string' || object === '') return undefined;
  return {
    sourceSystem: 'nocode',
    sourceRecordId: object,
    key: actionKey(automation, event.eventId),
    question: automation.question,
    facts: {
      ...mapped(automation.facts, event.body),
      source_record_id: object,
      internal_trace_ids: {
        automation_id: automation.id,
        run_id: event.runId,
        event_id: event.eventId,
      },
    },
    mutation: {
      workflow: automation.workflow,
      requestedAction: automation.requestedAction,
      resource: object,
      targetSystem: automation.targetSystem,
      targetObjectId: object,
      mutation: automation.mutation,
      parameters: mapped(automation.parameters, event.body),
    },
  };
}

function mapped(map: Readonly<Record<string, string>>, body: Members): Members {
  return Object.fromEntries(
    Object.entries(map).flatMap(([name, path]) => {
      const value = valueAt(body, path);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function valueAt(body: Members, path: string): unknown {
  return (path.match(/[A-Za-z0-9_]+/g) ?? []).reduce<unknown>((here, step) => {
    if (Array.isArray(here))
      return /^\d+$/.test(step) ? (here as unknown[])[Number(step)] : undefined;
    return isMembers(here) && Object.hasOwn(here, step) ? here[step] : undefined;
  }, body);
}
