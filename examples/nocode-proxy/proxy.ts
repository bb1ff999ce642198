import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMembers, type Members, parseJson } from '@countersign/proof';
import type { ActionRow } from '../decision-actions/store.ts';
import { type Engine, openEngine } from '../gated-action/engine.ts';
import type { Settings } from '../gated-action/settings.ts';
import type { Attempted, Target } from '../gated-action/target.ts';
import { type Automation, actionKey, actionOf, checkAutomation, readEvent } from './automation.ts';
import { isInbound } from './inbound.ts';
import { ROUTE_MS, routeOf } from './routes.ts';

export interface ProxyOptions {
  readonly automations: readonly Automation[];
  /** Secret of one automation, asked for at each call so that it can be rotated. */
  readonly secret: (automationId: string) => string | undefined;
  /** Reads of the system that the tool changes; the proxy itself never changes it. */
  readonly find: Target['find'];
  readonly log: (line: string) => void;
}

export interface Proxy {
  readonly url: string;
  readonly engine: Engine;
  close(): Promise<void>;
}

const BODY_MAX = 64 * 1024;

/**
 * `POST /automations/:id/events` asks and is answered with a route. `POST /automations/:id/completions` says what the
 * tool did with a `proceed`. Both are signed with the automation's secret.
 */
export async function openProxy(settings: Settings, options: ProxyOptions): Promise<Proxy> {
  const { now } = settings;
  const automations = new Map(options.automations.map((one) => [one.id, checkAutomation(one)]));
  const engine = openEngine({
    ...settings,
    claims: false,
    target: () => ({
      apply: () => Promise.reject(new Error('a proxy does not act')),
      find: options.find,
    }),
  });

  async function event(automation: Automation, body: unknown): Promise<Answer> {
    const read = readEvent(body);
    const action = read && actionOf(automation, read);
    if (action === undefined) return { status: 422, body: { error: 'event_invalid' } };
    let row = await engine.decide(action);
    let until: number | undefined;
    if (row.action_status === 'allowed' && row.decision_verdict === 'yes') {
      // The row leaves `allowed` once: whoever reads it afterwards, this tool included, is told to wait.
      if (await engine.release(row, action, now() + ROUTE_MS)) {
        until = engine.journal.read(row.id)?.released?.until;
      }
      row = engine.store.read(row.id) ?? row;
    }
    return { status: 200, body: routeOf(row, until), row };
  }

  async function completion(automation: Automation, body: unknown): Promise<Answer> {
    const report = isMembers(body) ? body : {};
    const row = engine.current(actionKey(automation, String(report['event_id'])));
    const attempted = attemptedOf(report);
    if (row === undefined || attempted === undefined) {
      return { status: 422, body: { error: 'completion_invalid' } };
    }
    const released = engine.journal.read(row.id)?.released;
    const isOpen = row.action_status === 'executing' || row.action_status === 'unknown_result';
    if (released !== undefined && isOpen && row.decide_decision_id === report['decision_id']) {
      const { mutation } = released;
      // The receipt says what the tool did, not what it was allowed to do: the gate compares the two.
      const done = isMembers(report['parameters']) ? report['parameters'] : mutation.parameters;
      engine.journal.release(row.id, { ...released, mutation: { ...mutation, parameters: done } });
      await engine.settle(row, attempted);
    }
    const after = engine.store.read(row.id) ?? row;
    return { status: 200, body: routeOf(after, undefined), row: after };
  }

  async function handle(request: IncomingMessage): Promise<Answer> {
    const path = request.url ?? '';
    const [, id = '', kind] = /^\/automations\/([^/]+)\/(events|completions)$/.exec(path) ?? [];
    const text = await readText(request);
    const secret = automations.has(id) ? options.secret(id) : undefined;
    const signed = {
      timestamp: String(request.headers['x-automation-timestamp'] ?? ''),
      signature: String(request.headers['x-automation-signature'] ?? ''),
    };
    const automation = automations.get(id);
    const known = secret !== undefined && automation !== undefined && text !== undefined;
    // The same answer for an unknown automation and a wrong signature: it tells nobody which exist.
    if (!known || !isInbound(secret, path, text, signed, now()) || request.method !== 'POST') {
      return { status: 401, body: { error: 'not_authenticated' } };
    }
    const parsed = parseJson(text, { depthMax: 32 });
    if (!parsed.ok) return { status: 422, body: { error: 'json_malformed' } };
    return kind === 'events'
      ? event(automation, parsed.value)
      : completion(automation, parsed.value);
  }

  const server = createServer((request, response) => {
    handle(request)
      .catch((): Answer => ({ status: 503, body: { error: 'unavailable' } }))
      .then(({ status, body, row }) => {
        // Handles and states; bodies, headers and errors may hold what belongs in no log.
        options.log(
          JSON.stringify({
            at: new Date(now()).toISOString(),
            status,
            ...(row !== undefined && { action: row.id, action_status: row.action_status }),
          }),
        );
        response.writeHead(status, {
          'content-type': 'application/json',
          'cache-control': 'no-store',
        });
        response.end(JSON.stringify(body));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    engine,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly row?: ActionRow;
}

/** What a tool says that became of it. */
function attemptedOf(report: Members): Attempted | undefined {
  const { result, executed_at: at, state_before_hash: before, state_after_hash: after } = report;
  if (result === 'failed') return { ok: false, fault: 'refused' };
  if (result === 'unknown') return { ok: false, fault: 'unknown' };
  if (result !== 'executed' || typeof at !== 'string') return undefined;
  if (typeof before !== 'string' || typeof after !== 'string') return undefined;
  return { ok: true, value: { at, stateBeforeHash: before, stateAfterHash: after } };
}

/** The body, unless it is longer than any event. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > BODY_MAX) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}
