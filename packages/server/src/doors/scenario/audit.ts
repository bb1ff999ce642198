import { closeSync, openSync, writeSync } from 'node:fs';
import { canonical } from '../../service/scenario/canonical.ts';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import type { CorrelationIds } from './arrival.ts';

/** Where the door's audit lines go: one JSON object each, complete before the call returns. */
export interface Audit {
  /** `members` are added to the event's name, its time and its correlation ids. */
  write(event: AuditEvent, members: Readonly<Record<string, unknown>>): void;
}

export type AuditEvent =
  | 'mcp_tool_authz'
  | 'mcp_request'
  | 'precheck_audit'
  | 'registry_audit'
  | 'tenant_authz'
  | 'usage_audit'
  | 'security_audit';

export const silentAudit: Audit = { write: () => undefined };

/** The members by which a line belongs to a request. Every line about one starts from these. */
export function correlationMembers(
  ids: CorrelationIds,
): Readonly<Record<'unsafe_client_correlation_id' | 'server_correlation_id', string | null>> {
  return {
    unsafe_client_correlation_id: ids.correlationId,
    server_correlation_id: ids.serverCorrelationId,
  };
}

export interface OpenAudit extends Audit {
  close(): void;
}

/**
 * Opens the audit that the settings ask for: appended to a file, or on the error stream. A line that the file does not
 * take goes to the error stream: an answer that is on record must not fail for the sake of its log line.
 */
export function openAudit(
  settings: ScenarioSettings['server']['audit'],
  surroundings: {
    readonly now: () => number;
    readonly errorStream: { write(text: string): unknown };
  },
): OpenAudit {
  if (!settings.enabled) return { ...silentAudit, close: () => undefined };
  const { now, errorStream } = surroundings;
  const file = settings.path === undefined ? undefined : openSync(settings.path, 'a', 0o600);
  return {
    write(event, members) {
      const line = `${lineOf(event, members, now())}\n`;
      if (file === undefined) {
        errorStream.write(line);
        return;
      }
      try {
        writeSync(file, line);
      } catch {
        errorStream.write(line);
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
    },
  };
}

function lineOf(
  event: AuditEvent,
  members: Readonly<Record<string, unknown>>,
  timestamp: number,
): string {
  const line = {
    event,
    timestamp_ms: timestamp,
    unsafe_client_correlation_id: null,
    server_correlation_id: event === 'security_audit' ? null : 'missing',
    ...members,
  };
  try {
    return JSON.stringify(line);
  } catch {
    // A payload with integers beyond doubles, which only the slower text keeps exact.
    return canonical(line);
  }
}
