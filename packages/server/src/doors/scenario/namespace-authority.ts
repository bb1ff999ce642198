import { type ClientRequest, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type RpcResult, rpcFail, rpcOk, unauthorized } from '@countersign/contract';
import type { scenario } from '@countersign/policy';
import type { Caller } from '../../service/scenario/ports.ts';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';

/** Whether a namespace exists for a caller, where another server is asked. */
export type NamespaceAuthority = (
  caller: Caller,
  namespace: scenario.Int,
) => Promise<RpcResult<undefined>>;

type AssetCore = NonNullable<ScenarioSettings['namespace']['assetCore']>;

/** Asks an AssetCore server, each time anew: what it allows may change between two calls. */
export function assetCoreAuthority(settings: AssetCore): NamespaceAuthority {
  const base = settings.baseUrl.replace(/\/+$/, '');
  return async (caller, namespace) => {
    const correlation = caller.correlationId ?? caller.serverCorrelationId;
    const headers: Record<string, string> = { 'x-correlation-id': correlation };
    if (settings.authToken !== undefined) headers['authorization'] = `Bearer ${settings.authToken}`;
    let asked: ClientRequest;
    try {
      asked = openRequest(`${base}/v1/write/namespaces/${namespace}`, { headers, agent: false });
    } catch {
      return rpcFail('invalid_params', 'the namespace authority cannot be asked with these values');
    }
    const status = await statusOf(asked, settings);
    if (status === 200) return rpcOk(undefined);
    return status === 401 || status === 403 || status === 404
      ? unauthorized(`namespace denied by its authority (${status})`)
      : unauthorized(`namespace authority unavailable (${status ?? 'no answer'})`);
  };
}

function openRequest(url: string, options: RequestOptions): ClientRequest {
  const open = new URL(url).protocol === 'https:' ? requestHttps : requestHttp;
  return open(url, options);
}

/** The status of the answer; `undefined` when there is none in time. Redirects are not followed. */
function statusOf(
  asked: ClientRequest,
  { connectTimeoutMs, requestTimeoutMs }: AssetCore,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const giveUp = (): void => {
      asked.destroy();
      resolve(undefined);
    };
    const connecting = setTimeout(giveUp, connectTimeoutMs);
    const answering = setTimeout(giveUp, requestTimeoutMs);
    asked.once('socket', (socket) => socket.once('connect', () => clearTimeout(connecting)));
    asked.once('close', () => {
      clearTimeout(connecting);
      clearTimeout(answering);
      resolve(undefined);
    });
    asked.once('error', () => resolve(undefined));
    asked.once('response', (response) => {
      resolve(response.statusCode);
      // Nothing of the body counts, so nobody waits for it.
      asked.destroy();
    });
    asked.end();
  });
}
