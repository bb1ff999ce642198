import { randomBytes } from 'node:crypto';
import { type RpcFault, rpcFail } from '@countersign/contract';
import { sha256Hex } from '@countersign/proof';
import { correlationFault } from '../../service/scenario/correlation.ts';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import type { CorrelationIds, RpcArrival, RpcBody } from './arrival.ts';
import type { Audit } from './audit.ts';
import { type Authenticate, bearerTokenOf, certificateSubjectOf } from './authenticate.ts';
import { InflightLimit, RateLimit } from './limits.ts';

/** A request at the door, before anybody looks at what it says. */
export interface Entered {
  readonly ids: CorrelationIds;
  /** Why it goes no further. */
  readonly fault: RpcFault | undefined;
  /** To be called once its answer is made. */
  leave(): void;
}

/** Names each request and counts it against the limits. */
export interface Entrance {
  enter(body: RpcBody, arrival: RpcArrival): Entered;
}

export interface EntranceParts {
  readonly audit: Audit;
  readonly authenticate: Authenticate;
  /** A clock that only goes forward, in milliseconds. */
  readonly monotonic: () => number;
}

/** The limits hold for callers with and without credentials alike, and before a body costs anything. */
export function openEntrance(settings: ScenarioSettings, parts: EntranceParts): Entrance {
  const { maxBodyBytes, maxInflight, rateLimit } = settings.server;
  const boot = randomBytes(8).toString('hex');
  let requests = 0n;
  const inflight = new InflightLimit(maxInflight);
  const rate = rateLimit === undefined ? undefined : new RateLimit(rateLimit, parts.monotonic);
  const keysOf = rateKeys(settings, parts.authenticate);
  return {
    enter(body, arrival) {
      requests += 1n;
      const serverCorrelationId = `dg-${boot}-${requests.toString(16).padStart(16, '0')}`;
      const sent = arrival.headers['x-correlation-id'];
      const refused = sent === undefined ? undefined : correlationFault(sent);
      if (refused !== undefined) {
        parts.audit.write('security_audit', {
          kind: 'invalid_correlation_id',
          message: refused,
          dev_permissive: settings.dev.permissive,
          namespace_authority: authorityName(settings),
          server_correlation_id: serverCorrelationId,
        });
        const ids = { correlationId: null, serverCorrelationId };
        return turnedAway(ids, invalidCorrelationId);
      }
      const ids = { correlationId: sent?.trim() ?? null, serverCorrelationId };
      const leave = inflight.take();
      if (leave === undefined) return turnedAway(ids, overloaded);
      let fault: RpcFault | undefined;
      if (rate !== undefined) {
        for (const key of keysOf(arrival)) fault ??= rate.count(key);
      }
      if (body === 'too_large' || body.length > maxBodyBytes) fault ??= tooLarge;
      return { ids, fault, leave };
    },
  };
}

/** What a configuration calls the authority over namespaces. */
export function authorityName({ namespace }: ScenarioSettings): 'none' | 'assetcore_http' {
  return namespace.assetCore === undefined ? 'none' : 'assetcore_http';
}

/**
 * What a request is counted under: its credentials as they stand, shown or not. Where credentials are needed, those
 * that nobody knows also count for the address they come from, since whoever makes them up can make up many.
 */
function rateKeys(
  settings: ScenarioSettings,
  authenticate: Authenticate,
): (arrival: RpcArrival) => readonly string[] {
  const { server } = settings;
  return (arrival) => {
    const token = bearerTokenOf(arrival);
    const subject = certificateSubjectOf(arrival, server);
    const { peerIp, transport } = arrival;
    const peer = peerIp === null ? `transport:${transport}` : `ip:${peerIp}`;
    if (token === undefined && subject === undefined) return [peer];
    const key = token === undefined ? `mtls:${subject}` : `bearer:${sha256Hex(token)}`;
    const unknown = server.auth.mode !== 'local_only' && !authenticate(arrival).ok;
    return unknown ? [key, peer] : [key];
  };
}

function turnedAway(ids: CorrelationIds, fault: RpcFault): Entered {
  return { ids, fault, leave: () => undefined };
}

const invalidCorrelationId = rpcFail('invalid_correlation_id', 'invalid correlation id').fault;
const overloaded = rpcFail('inflight_limit', 'server overloaded').fault;
const tooLarge = rpcFail('request_too_large', 'request body too large').fault;
