import { isObject, member } from '@countersign/policy';
import { type FetchRules, guardedFetch } from '../events/guarded-fetch.ts';
import { digestOf } from '../service/scenario/canonical.ts';
import type { BuiltinConfig } from '../service/scenario/settings.ts';
import { type Ask, provided, refused } from './provider.ts';

export type HttpConfig = Extract<BuiltinConfig, { readonly kind: 'http' }>;

/**
 * Status and body hash of pages. Addresses inside our own network are refused unless the configuration opens them.
 *
 * @param surroundings how names become addresses and who is trusted, where that is not the system's to say.
 */
export function httpProvider(
  config: HttpConfig,
  surroundings: Pick<FetchRules, 'ca' | 'resolve'> = {},
): Ask {
  return async ({ check_id, params }) => {
    if (check_id !== 'status' && check_id !== 'body_hash') return refused('unsupported http check');
    if (params === undefined) return refused('http check requires params');
    if (!isObject(params)) return refused('http params must be an object');
    const text = member(params, 'url');
    if (text === undefined) return refused('missing url param');
    if (typeof text !== 'string') return refused('url param must be a string');
    if (!URL.canParse(text)) return refused('invalid url');
    const url = new URL(text);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && config.allowHttp)) {
      return refused('unsupported url scheme');
    }
    if (url.hostname === '') return refused('url host required');
    if (config.allowedHosts?.includes(url.hostname.toLowerCase()) === false) {
      return refused('url host not allowed');
    }
    const answer = await guardedFetch(
      {
        url: url.href,
        method: 'GET',
        headers: { 'user-agent': config.userAgent },
        timeoutMs: config.timeoutMs,
        ...(check_id === 'body_hash' ? { bodyBytesMax: config.maxResponseBytes } : {}),
      },
      {
        ...surroundings,
        allowLoopback: config.allowPrivate,
        allowPlain: config.allowHttp,
        allowPrivate: config.allowPrivate,
      },
    );
    if (!answer.ok) return refused(TEXTS[answer.fault.code] ?? 'http request failed');
    const { status, headers, body } = answer.value;
    const declared = Number(headers['content-length'] ?? body.length);
    if (check_id === 'body_hash' && body.length < declared) {
      return refused('http response truncated');
    }
    return provided({
      value: { kind: 'json', value: check_id === 'status' ? status : { ...digestOf(body) } },
      evidence_ref: { uri: url.href },
      evidence_anchor: { anchor_type: 'url', anchor_value: url.href },
      content_type: 'application/json',
    });
  };
}

const TEXTS: Readonly<Record<string, string>> = {
  url_malformed: 'invalid url',
  body_cut: 'http response truncated',
  body_too_large: 'http response exceeds size limit',
  address_refused: 'url host not allowed',
  host_refused: 'url host not allowed',
  port_refused: 'url host not allowed',
  credentials_refused: 'url host not allowed',
};
