import { isMembers } from '@countersign/proof';
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type Tool,
} from '@modelcontextprotocol/server';
import { parseExact } from './exact-json.ts';
import { type Documents, serveResources } from './resources.ts';
import type { McpArrival, McpTool, McpTools, ToolAnswer, ToolFault } from './tool.ts';

/** Revisions that are spoken, newest first; the one before last differs from the last in nothing that is used here. */
export const PROTOCOL_VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18'] as const;

/** How long clients may keep the lists, in milliseconds: they change with the configuration of the server. */
const LIST_TTL_MS = 300_000;

/** Deepest answer of a door, as structured content. */
const ANSWER_DEPTH_MAX = 200;

const INSTRUCTIONS =
  'Countersign is a decision gate. Ask with `decide` before a consequential step and act only on `verdict` `yes`, on exactly what was asked, before `valid_until`; report with `report_execution`. `no` and `review` are no permission; an error is none either. The `scenario_*` tools walk a run through stages whose gates are evaluated over evidence. A refused call has `isError` and names its reason in `structuredContent`: `code`, `message`, `retryable`.';

export interface ProtocolParts {
  readonly version: string;
  readonly tools: McpTools;
  /** Absent: there are none. */
  readonly documents?: Documents | undefined;
  readonly unforeseen: (error: unknown) => void;
}

/** What a connection or a request is served with: makes one protocol object after the other over the same tools. */
export function protocolServers(parts: ProtocolParts): (arrival: Arrival) => Server {
  const listed = [...parts.tools].map(([name, tool]) => toolRow(name, tool));
  return (arrival) => protocolServer(parts, listed, arrival);
}

/** An arrival before its request has been named. */
export type Arrival = Omit<McpArrival, 'requestId'>;

function protocolServer(
  { version, tools, documents, unforeseen }: ProtocolParts,
  listed: readonly Tool[],
  arrival: Arrival,
): Server {
  const server = new Server(
    { name: 'countersign', title: 'Countersign', version },
    {
      capabilities: { tools: {}, ...(documents === undefined ? {} : { resources: {} }) },
      instructions: INSTRUCTIONS,
      supportedProtocolVersions: [...PROTOCOL_VERSIONS],
      cacheHints: {
        'tools/list': { ttlMs: LIST_TTL_MS, cacheScope: 'public' },
        'resources/list': { ttlMs: LIST_TTL_MS, cacheScope: 'public' },
      },
    },
  );
  server.setRequestHandler('tools/list', () => ({ tools: [...listed] }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    const tool = tools.get(params.name);
    if (tool === undefined) throw unknownTool(params.name);
    const requestId = JSON.stringify(mcpReq.id);
    try {
      const text = JSON.stringify(params.arguments ?? {});
      return render(params.name, await tool.call(text, { ...arrival, requestId }));
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      unforeseen(error);
      return render(params.name, { ok: false, fault: INTERNAL });
    }
  });
  if (documents !== undefined) serveResources(server, documents, arrival);
  return server;
}

/** Our own mistake; what it was stays here. */
const INTERNAL: ToolFault = { code: 'internal', message: 'internal error', retryable: false };

function toolRow(name: string, tool: McpTool): Tool {
  const { title, description, inputSchema, outputSchema, annotations } = tool;
  return {
    name,
    title,
    description,
    inputSchema: inputSchema as Tool['inputSchema'],
    ...(outputSchema === undefined
      ? {}
      : { outputSchema: outputSchema as NonNullable<Tool['outputSchema']> }),
    annotations,
  };
}

/** Refusals are results as well, so that the model reads them; the text is the same JSON for older clients. */
function render(name: string, answer: ToolAnswer): CallToolResult {
  if (answer.ok) {
    return {
      content: [{ type: 'text', text: answer.text }],
      structuredContent: objectOf(answer.text),
    };
  }
  if (answer.fault === 'unknown_tool') throw unknownTool(name);
  return {
    content: [{ type: 'text', text: JSON.stringify(answer.fault) }],
    structuredContent: { ...answer.fault },
    isError: true,
  };
}

function objectOf(text: string): Record<string, unknown> {
  const parsed = parseExact(text, ANSWER_DEPTH_MAX);
  if (!parsed.ok || !isMembers(parsed.value)) throw new Error('a tool answered with no object');
  return parsed.value;
}

function unknownTool(name: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name}`);
}
