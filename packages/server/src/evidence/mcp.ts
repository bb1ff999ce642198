import { isList, isObject, type Json, member, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { canonical } from '../service/scenario/canonical.ts';
import type { Provided } from '../service/scenario/ports.ts';
import type { ProviderSettings } from '../service/scenario/settings.ts';
import { mcpOverHttp } from './mcp-http.ts';
import { mcpOverStdio } from './mcp-stdio.ts';
import { type Ask, refused } from './provider.ts';
import { ProviderCallError } from './provider-call-error.ts';

export type McpSettings = Extract<ProviderSettings, { readonly type: 'mcp' }>;

/** Sends one JSON-RPC request. Rejects with a `ProviderCallError` whose text is recorded. */
export interface McpTransport {
  send(request: string, correlationId: string | null): Promise<string>;
  close(): Promise<void>;
}

/** Largest answer of an external provider, in bytes. */
export const MCP_RESPONSE_BYTES_MAX = 1_048_576;
/** Deepest answer: a value as deep as a request may hold one, within what is around it. */
const RESPONSE_DEPTH_MAX = 127 + 6;
/** Queries only read, so one that got no answer is asked once more. */
const ATTEMPTS_MAX = 2;

/** Opens a provider that answers `evidence_query`, as a child process or at an address. */
export async function openMcpProvider(
  settings: McpSettings,
  log: (line: string) => void,
): Promise<{ readonly ask: Ask; readonly close: () => Promise<void> }> {
  const transport =
    settings.command.length > 0 ? await mcpOverStdio(settings, log) : mcpOverHttp(settings);
  let counter = 0;
  return {
    close: () => transport.close(),
    async ask(query, context) {
      counter += 1;
      const { correlation_id } = context;
      const request = canonical({
        jsonrpc: '2.0',
        id: correlation_id ?? counter,
        method: 'tools/call',
        params: { name: 'evidence_query', arguments: { query, context } },
      });
      for (let attempt = 1; ; attempt += 1) {
        try {
          return read(await transport.send(request, correlation_id));
        } catch (error) {
          if (!(error instanceof ProviderCallError)) throw error;
          if (!error.transient || attempt >= ATTEMPTS_MAX) return refused(error.message);
        }
      }
    },
  };
}

/** The evidence of an answer: only the first item of its content counts. */
function read(text: string): Provided {
  const parsed = parseJson(text, {
    depthMax: RESPONSE_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  const response = parsed.ok ? (parsed.value as Json) : undefined;
  if (!isObject(response)) return refused('invalid json-rpc response');
  const error = member(response, 'error');
  if (isObject(error)) {
    const message = member(error, 'message');
    return refused(typeof message === 'string' ? message : 'invalid json-rpc response');
  }
  const result = member(response, 'result');
  if (result === undefined || result === null) return refused('missing tool result');
  const content = isObject(result) ? member(result, 'content') : undefined;
  if (!isList(content)) return refused('invalid tool result');
  const [first] = content;
  if (first === undefined) return refused('empty tool result');
  if (!isObject(first)) return refused('invalid tool result');
  const type = member(first, 'type');
  if (type === 'text') {
    const said = member(first, 'text');
    return refused(`unexpected text response: ${typeof said === 'string' ? said : ''}`);
  }
  if (type !== 'json') return refused('invalid tool result');
  const decoded = scenario.evidenceResult(member(first, 'json'));
  return decoded.ok ? { ok: true, result: decoded.value } : refused('invalid tool result');
}
