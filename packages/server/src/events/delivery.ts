import { Webhook } from 'standardwebhooks';
import type { WebhookDelivery, WebhookEndpoint } from '../store/webhook-store.ts';
import { type FetchRules, guardedFetch } from './guarded-fetch.ts';

/** What came of one attempt. */
export type Attempt =
  | { readonly result: 'delivered' }
  /** The receiver says that it will never take another: status 410. */
  | { readonly result: 'gone' }
  | { readonly result: 'failed'; readonly error: string }
  /** We stopped before there was an answer. */
  | { readonly result: 'aborted' };

export interface AttemptOptions {
  readonly rules: FetchRules;
  readonly timeoutMs: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * Sends one event. Any status of 200 to 299 means delivered; the answer's body is not read.
 * @see Standard Webhooks 1.0, whose headers these are.
 */
export async function attemptDelivery(
  endpoint: WebhookEndpoint,
  delivery: WebhookDelivery,
  options: AttemptOptions,
): Promise<Attempt> {
  const { rules, timeoutMs, now, signal } = options;
  const answer = await guardedFetch(
    {
      url: endpoint.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'countersign-webhooks',
        'webhook-id': delivery.eventId,
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'webhook-signature': signatures(endpoint, delivery, now),
      },
      body: delivery.body,
      timeoutMs,
      signal,
    },
    rules,
  );
  if (!answer.ok) {
    const { code, detail } = answer.fault;
    if (code === 'aborted') return { result: 'aborted' };
    return { result: 'failed', error: detail === undefined ? code : `${code}: ${detail}` };
  }
  const { status } = answer.value;
  if (status === 410) return { result: 'gone' };
  if (status >= 200 && status < 300) return { result: 'delivered' };
  return { result: 'failed', error: `status ${status}` };
}

/** One signature per valid secret, the newest first. */
function signatures(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: number): string {
  const { secret, previous } = endpoint;
  const secrets =
    previous !== undefined && now < previous.until ? [secret, previous.secret] : [secret];
  return secrets
    .map((one) => new Webhook(one).sign(delivery.eventId, new Date(now), delivery.body))
    .join(' ');
}
