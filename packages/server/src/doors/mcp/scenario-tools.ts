import { type RpcFault, tools as rows, rpcErrors, type ToolName } from '@countersign/contract';
import { type Json, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import { canonical } from '../../service/scenario/canonical.ts';
import { type Admission, unknownTool } from '../scenario/admission.ts';
import type { RpcArrival } from '../scenario/arrival.ts';
import type { Entrance } from '../scenario/entrance.ts';
import type { ToolsOf } from '../scenario/tool.ts';
import type { McpArrival, McpTool, ToolAnswer, ToolFault } from './tool.ts';

/** The scenario door, as far as its tools need it: who may enter, and what they find. */
export interface ScenarioTools {
  readonly entrance: Entrance;
  readonly admission: Admission;
  readonly tools: ToolsOf<ToolName>;
}

interface Told {
  readonly title: string;
  readonly annotations: ToolAnnotations;
}

const reads: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
const writes: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};
/** Asks providers, which may be anywhere. */
const asks: ToolAnnotations = { ...writes, openWorldHint: true };

/** What standard clients are told beside the descriptions that all clients get. */
const TOLD = {
  scenario_define: { title: 'Define a scenario', annotations: writes },
  scenario_start: { title: 'Start a run', annotations: writes },
  // The run keeps note of the question, so this is no reading.
  scenario_status: { title: 'Look at a run', annotations: writes },
  scenario_next: { title: 'Ask to go on', annotations: asks },
  scenario_submit: { title: 'Keep content with a run', annotations: writes },
  scenario_trigger: { title: 'Let an event evaluate a run', annotations: asks },
  evidence_query: {
    title: 'Ask a provider for evidence',
    annotations: { readOnlyHint: true, openWorldHint: true },
  },
  // A bundle that is in the same place already is written over.
  runpack_export: {
    title: 'Export a run',
    annotations: { ...writes, destructiveHint: true, idempotentHint: true },
  },
  runpack_verify: { title: 'Verify an exported run', annotations: reads },
  providers_list: { title: 'List providers', annotations: reads },
  provider_contract_get: { title: 'Read the contract of a provider', annotations: reads },
  provider_check_schema_get: { title: 'Read the schemas of a check', annotations: reads },
  schemas_register: { title: 'Register a payload schema', annotations: writes },
  schemas_list: { title: 'List payload schemas', annotations: reads },
  schemas_get: { title: 'Read a payload schema', annotations: reads },
  scenarios_list: { title: 'List scenarios', annotations: reads },
  precheck: { title: 'Try evidence out', annotations: reads },
  decision_gate_docs_search: { title: 'Search the documentation', annotations: reads },
} as const satisfies Record<ToolName, Told>;

/** The tools of the scenario door that its settings show, behind the same entrance as its own protocol. */
export function scenarioTools(door: ScenarioTools): ReadonlyMap<string, McpTool> {
  return new Map(door.admission.listed.map((name) => [name, scenarioTool(name, door)]));
}

function scenarioTool(name: ToolName, { entrance, admission, tools }: ScenarioTools): McpTool {
  const { description, inputSchema } = rows[name];
  return {
    ...TOLD[name],
    description,
    inputSchema,
    async call(argumentsText, request) {
      const arrival = arrivalOf(request);
      const { requestId } = request;
      const entered = entrance.enter(Buffer.from(argumentsText), arrival);
      try {
        if (entered.fault !== undefined) return refused(entered.fault);
        const caller = admission.admit(name, arrival, { ...entered.ids, requestId });
        if (caller === unknownTool) return { ok: false, fault: 'unknown_tool' };
        if (!caller.ok) return refused(caller.fault);
        const args = readScenarioJson(argumentsText);
        if (args === undefined) {
          return refused({ kind: 'invalid_params', message: 'arguments cannot be read' });
        }
        const result = await tools[name](args, caller.value);
        return result.ok ? { ok: true, text: canonical(result.value) } : refused(result.fault);
      } finally {
        entered.leave();
      }
    },
  };
}

/** How the scenario door sees a request of this protocol. */
export function arrivalOf({ transport, peerIp, headers }: McpArrival): RpcArrival {
  return { transport: transport === 'stdio' ? 'stdio' : 'mcp', peerIp, headers };
}

/** Deepest arguments, as in the door's own protocol. */
const DEPTH_MAX = 127;

/** Arguments with numbers as the scenario protocol tells them apart; `undefined` for what it cannot hold. */
function readScenarioJson(text: string): Json | undefined {
  const parsed = parseJson(text, {
    depthMax: DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  return parsed.ok ? (parsed.value as Json) : undefined;
}

/** A pointer into the arguments, where a decoder's refusal begins with one. */
const PLACE = /^(\/[^:]*): /;

function refused({ kind, message, retryAfterMs }: RpcFault): ToolAnswer {
  const { code, retryable } = rpcErrors[kind];
  const place = kind === 'invalid_params' ? PLACE.exec(message)?.[1] : undefined;
  const fault: ToolFault & Readonly<Record<string, unknown>> = {
    code: kind,
    message,
    retryable,
    rpc_code: code,
    ...(place === undefined ? {} : { place }),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  };
  return { ok: false, fault };
}
