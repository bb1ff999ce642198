import {
  Client,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { KEY } from '../harness.ts';

/** The revisions that are spoken to standard clients. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/** The official client, speaking one revision over a transport. */
export async function connect(revision: Revision, transport: Transport): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1.0.0' },
    revision === '2026-07-28' ? { versionNegotiation: { mode: { pin: revision } } } : {},
  );
  await client.connect(transport);
  return client;
}

/** The same over HTTP, with an API key in the way that MCP clients send one; `''`: with none. */
export function connectHttp(url: string, revision: Revision, key: string = KEY): Promise<Client> {
  return connectWith(url, revision, key === '' ? {} : { authorization: `Bearer ${key}` });
}

/** The same with headers of any kind. */
export function connectWith(
  url: string,
  revision: Revision,
  headers: Readonly<Record<string, string>>,
): Promise<Client> {
  return connect(
    revision,
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }),
  );
}

export type Structured = Readonly<Record<string, unknown>>;

/** Calls a tool; gives whether it was refused and the structured content. */
export async function call(
  client: Client,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<{ readonly refused: boolean; readonly content: Structured; readonly text: string }> {
  const result = await client.callTool({ name, arguments: args });
  const [block] = result.content;
  return {
    refused: result.isError === true,
    content: (result.structuredContent ?? {}) as Structured,
    text: block?.type === 'text' ? block.text : '',
  };
}
