import { timingSafeEqual } from 'node:crypto';
import { type RpcResult, rpcFail, rpcOk, unauthorized } from '@countersign/contract';
import { sha256, toHex } from '@countersign/proof';
import ipaddr from 'ipaddr.js';
import type { Caller } from '../../service/scenario/ports.ts';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import type { RpcArrival } from './arrival.ts';

/** Who calls, as far as that has been shown. */
export interface Authenticated
  extends Pick<Caller, 'principalId' | 'authMethod' | 'policyClass' | 'roles'> {
  /** What the audit calls the caller, beside the fingerprint of a token. */
  readonly subject: string | null;
  readonly tokenFingerprint: string | null;
}

export type Authenticate = (arrival: RpcArrival) => RpcResult<Authenticated>;

/** Longest `Authorization` header that is looked at, in bytes. */
const AUTHORIZATION_BYTES_MAX = 8_192;

/** The token of an `Authorization: Bearer` header. */
export function bearerTokenOf({ headers }: RpcArrival): string | undefined {
  const header = headers['authorization'];
  if (header === undefined || Buffer.byteLength(header) > AUTHORIZATION_BYTES_MAX) return undefined;
  const space = header.indexOf(' ');
  if (space < 0 || header.slice(0, space).toLowerCase() !== 'bearer') return undefined;
  const token = header.slice(space + 1).trim();
  return token === '' ? undefined : token;
}

/**
 * The subject of the caller's certificate. Where this process ends TLS, only what it has verified counts; elsewhere the
 * proxy that ends TLS states it, and whoever can reach the door without that proxy could state anything.
 */
export function certificateSubjectOf(
  { headers, verifiedSubject }: RpcArrival,
  { tls }: ScenarioSettings['server'],
): string | undefined {
  const subject =
    tls === undefined ? headers['x-decision-gate-client-subject']?.trim() : verifiedSubject;
  return subject === '' ? undefined : subject;
}

/** Makes the check of credentials that the settings ask for. */
export function authenticator(settings: ScenarioSettings): Authenticate {
  const { auth } = settings.server;
  const principals = new Map(auth.principals.map((one) => [one.subject, one]));
  const known = (
    principalId: string,
    shown: Pick<Authenticated, 'authMethod' | 'subject' | 'tokenFingerprint'>,
  ): RpcResult<Authenticated> => {
    const principal = principals.get(principalId);
    return rpcOk({
      principalId,
      ...shown,
      policyClass: principal?.policyClass,
      roles: principal?.roles ?? [],
    });
  };
  switch (auth.mode) {
    case 'local_only':
      return (arrival) => {
        const refused = foreign(arrival);
        if (refused !== undefined) return unauthenticated(refused);
        const subject = arrival.transport === 'stdio' ? 'stdio' : 'loopback';
        return known(subject, { authMethod: 'local', subject, tokenFingerprint: null });
      };
    case 'bearer_token': {
      const digests = auth.bearerTokens.map((token) => sha256(Buffer.from(token)));
      return (arrival) => {
        const token = bearerTokenOf(arrival);
        if (token === undefined) return unauthenticated('missing bearer token');
        const given = sha256(Buffer.from(token));
        // All are looked at, so that the time taken does not tell which one was near.
        const same = digests.filter((digest) => timingSafeEqual(digest, given));
        if (same.length === 0) return unauthenticated('unknown bearer token');
        const fingerprint = toHex(given);
        return known(`token:${fingerprint}`, {
          authMethod: 'bearer_token',
          subject: null,
          tokenFingerprint: fingerprint,
        });
      };
    }
    case 'mtls': {
      const subjects = new Set(auth.mtlsSubjects);
      return (arrival) => {
        const subject = certificateSubjectOf(arrival, settings.server);
        if (subject === undefined) return unauthenticated('missing client subject');
        if (!subjects.has(subject)) return unauthorized('client subject is not listed');
        return known(subject, { authMethod: 'mtls_subject', subject, tokenFingerprint: null });
      };
    }
  }
}

function unauthenticated(reason: string): RpcResult<never> {
  return rpcFail('unauthenticated', 'unauthenticated', { reason });
}

/** Why a caller does not count as one on this machine. */
function foreign({ transport, peerIp, headers }: RpcArrival): string | undefined {
  if (transport === 'stdio') return undefined;
  if (peerIp === null || !isLoopback(peerIp)) return 'peer is not on loopback';
  // Only browsers send an origin. A page from elsewhere reaches loopback through its visitor, who did not ask.
  const { origin } = headers;
  return origin === undefined || isLocalOrigin(origin) ? undefined : 'page of another origin';
}

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

function isLocalOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}
