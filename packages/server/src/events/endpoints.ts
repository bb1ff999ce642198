import { randomBytes } from 'node:crypto';
import { ok, type Result } from '@countersign/contract';
import type { Ambient } from '../service/ports.ts';
import type { WebhookEndpoint, WebhookStore } from '../store/webhook-store.ts';
import { WEBHOOK_EVENT_TYPES, type WebhookEventType } from './event.ts';
import { parseGuardedUrl, type UrlFault, type UrlRules } from './guarded-url.ts';

/** How long deliveries carry a signature of the old secret as well, so that a receiver can change it at leisure. */
export const SECRET_OVERLAP_MS: number = 24 * 60 * 60 * 1000;
/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** What is shown of an endpoint: everything but its secrets. */
export type ShownEndpoint = Omit<WebhookEndpoint, 'secret' | 'previous'>;

export interface EndpointRequest {
  readonly scope: string;
  readonly url: string;
  /** None named means all. */
  readonly types: readonly string[];
  /** Size of the ledger: the endpoint hears of what comes after. */
  readonly ledgerSize: number;
}

export type EndpointFault = UrlFault | 'event_type_unknown';

/** Adds an endpoint. Its secret is in this answer and cannot be shown again. */
export function addEndpoint(
  store: WebhookStore,
  request: EndpointRequest,
  ambient: Ambient,
  rules: UrlRules,
): Result<{ readonly endpoint: ShownEndpoint; readonly secret: string }, EndpointFault> {
  const url = parseGuardedUrl(request.url, rules);
  if (!url.ok) return url;
  if (!request.types.every(isEventType)) return { ok: false, fault: 'event_type_unknown' };
  const secret = newSecret();
  const endpoint: ShownEndpoint = {
    id: ambient.newId('whe_'),
    scope: request.scope,
    url: request.url,
    types: [...new Set(request.types)],
    state: 'active',
    createdAt: new Date(ambient.now()).toISOString(),
    nextSeq: request.ledgerSize,
  };
  store.addEndpoint({ ...endpoint, secret });
  return ok({ endpoint, secret });
}

/** Endpoints, oldest first; of one tenant, or of all. */
export function listEndpoints(store: WebhookStore, scope?: string): readonly ShownEndpoint[] {
  return store
    .listEndpoints()
    .filter((endpoint) => scope === undefined || endpoint.scope === scope)
    .map(({ secret: _secret, previous: _previous, ...shown }) => shown);
}

/** Gives an endpoint a new secret, shown here once. `undefined`: there is no such endpoint. */
export function rotateSecret(store: WebhookStore, id: string, now: number): string | undefined {
  const secret = newSecret();
  return store.replaceSecret(id, secret, now + SECRET_OVERLAP_MS) ? secret : undefined;
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function isEventType(type: string): type is WebhookEventType {
  return (WEBHOOK_EVENT_TYPES as readonly string[]).includes(type);
}
