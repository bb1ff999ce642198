import { isUtf8 } from 'node:buffer';
import http from 'node:http';
import https from 'node:https';
import { MCP_RESPONSE_BYTES_MAX, type McpSettings, type McpTransport } from './mcp.ts';
import { ProviderCallError } from './provider-call-error.ts';

/** A provider at an address: one POST per query, no redirect followed. */
export function mcpOverHttp(settings: McpSettings): McpTransport {
  const url = new URL(settings.url ?? '');
  if (url.protocol !== 'https:' && !settings.allowInsecureHttp) {
    throw new Error(`provider ${settings.name}: http needs allow_insecure_http`);
  }
  const { bearerToken } = settings;
  if (bearerToken !== undefined) http.validateHeaderValue('authorization', bearerToken);
  const secure = url.protocol === 'https:';
  const agent = new (secure ? https : http).Agent({ keepAlive: true });
  return {
    send: (request, correlationId) => post(url, agent, settings, request, correlationId),
    close: async () => agent.destroy(),
  };
}

function post(
  url: URL,
  agent: http.Agent,
  settings: McpSettings,
  body: string,
  correlationId: string | null,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, transient: boolean): void => {
      clearTimeout(total);
      clearTimeout(connecting);
      request.destroy();
      reject(new ProviderCallError(message, transient));
    };
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(settings.bearerToken === undefined
          ? {}
          : { authorization: `Bearer ${settings.bearerToken}` }),
        ...(correlationId === null ? {} : { 'x-correlation-id': correlationId }),
      },
    });
    let answered = false;
    // A request that ran out of time may still be at work: it is not sent twice.
    const total = setTimeout(
      () => fail(answered ? 'http response timed out' : 'http request timed out', false),
      settings.requestTimeoutMs,
    );
    const connecting = setTimeout(
      () => fail('http request timed out', false),
      settings.connectTimeoutMs,
    );
    request.on('socket', (socket) => {
      const connected = (): void => clearTimeout(connecting);
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    request.on('error', () => fail('http request failed', true));
    request.on('response', (response) => {
      answered = true;
      const { statusCode: status = 0 } = response;
      if (status < 200 || status > 299) {
        response.resume();
        fail(`http request failed with status ${status}`, false);
        return;
      }
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MCP_RESPONSE_BYTES_MAX) fail('http response too large', false);
        else chunks.push(chunk);
      });
      response.on('error', () => fail('http request failed', true));
      response.on('end', () => {
        clearTimeout(total);
        const text = Buffer.concat(chunks);
        if (isUtf8(text)) resolve(text.toString('utf8'));
        else fail('invalid json-rpc response', false);
      });
    });
    request.end(body);
  });
}
