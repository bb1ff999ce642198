import { type RpcResult, rpcErrors } from '@countersign/contract';
import {
  ProtocolError,
  type ReadResourceResult,
  type Resource,
  type Server,
} from '@modelcontextprotocol/server';
import type { RpcArrival } from '../scenario/arrival.ts';
import type { Resources } from '../scenario/door.ts';
import { arrivalOf, type ScenarioTools } from './scenario-tools.ts';
import type { McpArrival } from './tool.ts';

/** The documents of the scenario door, behind its entrance. */
export type Documents = Pick<ScenarioTools, 'entrance' | 'admission'> & {
  readonly resources: Resources;
};

/** Serves documents as resources. A refusal is an error of the protocol: there is no result to say it in. */
export function serveResources(
  server: Server,
  documents: Documents,
  arrival: Omit<McpArrival, 'requestId'>,
): void {
  const { resources } = documents;
  const named = (id: unknown): McpArrival => ({ ...arrival, requestId: JSON.stringify(id) });
  server.setRequestHandler('resources/list', (_request, { mcpReq }) => {
    const list = admitted(documents, named(mcpReq.id), () => ({
      ok: true,
      value: resources.list(),
    }));
    return { resources: list as Resource[] };
  });
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
  server.setRequestHandler('resources/read', ({ params }, { mcpReq }) => {
    const contents = admitted(documents, named(mcpReq.id), () => resources.read(params.uri));
    return { contents: contents as ReadResourceResult['contents'] };
  });
}

function admitted<Value>(
  { entrance, admission }: Documents,
  request: McpArrival,
  run: () => RpcResult<Value>,
): Value {
  const arrival: RpcArrival = arrivalOf(request);
  const entered = entrance.enter(new Uint8Array(), arrival);
  try {
    if (entered.fault !== undefined) throw refusal(entered.fault);
    const { requestId } = request;
    const caller = admission.admit('tools/list', arrival, { ...entered.ids, requestId });
    if (!caller.ok) throw refusal(caller.fault);
    const result = run();
    if (!result.ok) throw refusal(result.fault);
    return result.value;
  } finally {
    entered.leave();
  }
}

function refusal({
  kind,
  message,
}: Extract<RpcResult<never>, { ok: false }>['fault']): ProtocolError {
  return new ProtocolError(rpcErrors[kind].code, message, { kind });
}
