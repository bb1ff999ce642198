// A server behind the gate: it notes every tool call in a file, so that a test sees what has really reached it.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import Fastify from 'fastify';

const [mode, journal = ''] = process.argv.slice(2);

function note(tool: string, args: unknown): void {
  appendFileSync(journal, `${JSON.stringify({ tool, args })}\n`);
}

interface Quote {
  readonly quote_id: string;
  readonly amount_minor: number;
}
const quote = {
  inputSchema: fromJsonSchema<Quote>({
    type: 'object',
    properties: { quote_id: { type: 'string' }, amount_minor: { type: 'number' } },
    required: ['quote_id', 'amount_minor'],
  }),
};
const named = fromJsonSchema<{ readonly name: string }>({
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
});

function server(): McpServer {
  const mcp = new McpServer({ name: 'behind', version: '1.0.0' });
  for (const name of ['send_quote', 'issue_refund', 'drop_database', 'list_quotes']) {
    mcp.registerTool(name, quote, (args) => {
      note(name, args);
      return {
        content: [{ type: 'text', text: `done ${args.quote_id}` }],
        structuredContent: { done: true, amount_minor: args.amount_minor },
      };
    });
  }
  mcp.registerTool('update_ticket', quote, (args) => {
    note('update_ticket', args);
    return { isError: true, content: [{ type: 'text', text: 'the ticket is closed' }] };
  });
  mcp.registerTool('route_item', quote, (args) => {
    note('route_item', args);
    process.exit(3);
  });
  mcp.registerTool('grant_access', quote, async (args, { mcpReq }) => {
    note('grant_access', args);
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [1, 2]) {
      if (progressToken === undefined) break;
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 2 },
      });
      await sleep(10);
    }
    return { content: [{ type: 'text', text: process.env['DECIDE_API_KEY'] ?? 'no key' }] };
  });
  mcp.registerResource('note', 'memo://note', { mimeType: 'text/plain' }, () => ({
    contents: [{ uri: 'memo://note', text: 'a note' }],
  }));
  mcp.registerPrompt('greet', { argsSchema: named }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello ${name}` } }],
  }));
  return mcp;
}

if (mode === 'stdio') {
  serveStdio(server);
} else {
  const app = Fastify();
  const handler = createMcpHandler(server);
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    async handler(request, reply) {
      const asked = new Request(`http://localhost${request.url}`, {
        method: request.method,
        headers: request.headers as Record<string, string>,
      });
      return reply.send(
        await handler.fetch(asked, request.method === 'POST' ? { parsedBody: request.body } : {}),
      );
    },
  });
  process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
}
