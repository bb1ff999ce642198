import {
  type RpcResult,
  rpcFail,
  rpcOk,
  TOOL_NAMES,
  type ToolName,
  unauthorized,
} from '@countersign/contract';
import type { Caller } from '../../service/scenario/ports.ts';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import type { CorrelationIds, RpcArrival } from './arrival.ts';
import { type Audit, correlationMembers } from './audit.ts';
import type { Authenticate, Authenticated } from './authenticate.ts';

/** What somebody wants to do: call a tool, or look at what there is. */
export type Action = ToolName | 'tools/list';

/** Who may do what, before it is known about which tenant and namespace. */
export interface Admission {
  /** The tools that callers are shown, in order. */
  readonly listed: readonly ToolName[];
  /** Lets a caller in, or says why not. Either way the audit has a line about it. */
  admit(
    action: Action,
    arrival: RpcArrival,
    request: CorrelationIds & {
      /** JSON text of the request's id. */
      readonly requestId: string | null;
    },
  ): RpcResult<Caller>;
}

/** The same rules for every protocol that leads to the tools. */
export function admission(
  settings: ScenarioSettings,
  { authenticate, audit }: { readonly authenticate: Authenticate; readonly audit: Audit },
): Admission {
  const { auth, tools } = settings.server;
  const { docs } = settings;
  const searchable = docs.enabled && docs.enableSearch;
  const allowed = (tool: ToolName): boolean =>
    !tools.denylist.includes(tool) &&
    (tools.allowlist.length === 0 || tools.allowlist.includes(tool));
  const there = (tool: ToolName): boolean => tool !== 'decision_gate_docs_search' || searchable;
  const permitted = (action: Action): boolean =>
    action === 'tools/list' || auth.allowedTools.length === 0 || auth.allowedTools.includes(action);
  return {
    listed: TOOL_NAMES.filter(
      (tool) => there(tool) && (tools.mode === 'passthrough' || allowed(tool)),
    ),
    admit(action, arrival, request) {
      const shown = authenticate(arrival);
      const authorized =
        shown.ok && !permitted(action) ? unauthorized('tool is not allowed') : shown;
      const line = authzMembers(authorized, shown.ok ? shown.value : undefined);
      audit.write('mcp_tool_authz', {
        ...correlationMembers(request),
        ...line,
        action,
        transport: arrival.transport,
        peer_ip: arrival.peerIp,
        request_id: request.requestId,
      });
      if (!authorized.ok) return authorized;
      if (action !== 'tools/list' && !(there(action) && allowed(action))) return unknownTool;
      const { subject: _, tokenFingerprint: __, ...who } = authorized.value;
      return rpcOk({
        ...who,
        tool: action === 'tools/list' ? undefined : action,
        transport: arrival.transport,
        peerIp: arrival.peerIp,
        requestId: request.requestId,
        correlationId: request.correlationId,
        serverCorrelationId: request.serverCorrelationId,
      });
    },
  };
}

/** What every caller of a tool reads that is not there, or not for callers. */
export const unknownTool = rpcFail('method_not_found', 'unknown tool');

function authzMembers(
  authorized: RpcResult<Authenticated>,
  shown: Authenticated | undefined,
): Readonly<Record<string, string | null>> {
  return {
    decision: authorized.ok ? 'allow' : 'deny',
    auth_method: authorized.ok ? authorized.value.authMethod : null,
    subject: shown?.subject ?? null,
    token_fingerprint: shown?.tokenFingerprint ?? null,
    reason: authorized.ok ? 'allowed' : (authorized.fault.reason ?? null),
  };
}
