import { isIP } from 'node:net';
import { ok, type Result } from '@countersign/contract';
import { addressKind } from './address.ts';

/** Where an outgoing call may go. */
export interface UrlRules {
  /** Also this machine, by http or https and at any port: for development and tests. */
  readonly allowLoopback: boolean;
  /** Also by http, to whatever address may be called. */
  readonly allowPlain?: boolean | undefined;
  /** Also inside our own network: for whoever names the hosts that may be called. */
  readonly allowPrivate?: boolean | undefined;
}

/** Why a URL is not called. */
export type UrlFault =
  /** Not an absolute URL in plain ASCII of at most {@link URL_CHARACTERS_MAX}. */
  | 'url_malformed'
  /** Not https. */
  | 'scheme_refused'
  /** It holds a user name or password. */
  | 'credentials_refused'
  /** A host name in another than its canonical spelling, or one that only a local network knows. */
  | 'host_refused'
  /** A port below 1024 other than 443. */
  | 'port_refused'
  /** An address that is not on the internet. */
  | 'address_refused';

export const URL_CHARACTERS_MAX = 2_048;
const HOST_CHARACTERS_MAX = 253;
const PORT_MIN = 1_024;

/** No spaces, control characters or `\`, which readers of URLs disagree about. */
const URL_CHARACTERS = /^[!-[\]-~]+$/;
const URL_START = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)/i;
/** At least two labels, so neither `localhost` nor a name that the resolver's search list completes. */
const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))+$/;
const LOOPBACK_NAME = /^(?:.+\.)?localhost$/;

/**
 * Parses a URL that somebody else named. What its host resolves to is not known here; an address written in it is
 * judged. A host must be spelled the way it is read (`0x7f.1`, `2130706433` and `127.1` are all 127.0.0.1), so that
 * who reads the setting sees where it leads.
 */
export function parseGuardedUrl(text: string, rules: UrlRules): Result<URL, UrlFault> {
  if (text.length > URL_CHARACTERS_MAX || !URL_CHARACTERS.test(text))
    return refuse('url_malformed');
  const [, scheme, authority] = URL_START.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) return refuse('url_malformed');
  const plain = scheme.toLowerCase() === 'http';
  const mayBePlain = rules.allowLoopback || rules.allowPlain === true;
  if (scheme.toLowerCase() !== 'https' && !(plain && mayBePlain)) {
    return refuse('scheme_refused');
  }
  if (authority.includes('@')) return refuse('credentials_refused');
  if (!URL.canParse(text)) return refuse('url_malformed');
  const url = new URL(text);

  const host = hostOf(url);
  const local = LOOPBACK_NAME.test(host) || addressKind(host) === 'loopback';
  if (!isSpelledAsRead(authority, url.hostname)) return refuse('host_refused');
  if (isIP(host) !== 0) {
    if (!isAllowed(host, url, rules)) return refuse('address_refused');
  } else if (LOOPBACK_NAME.test(host)) {
    if (!rules.allowLoopback && rules.allowPrivate !== true) return refuse('host_refused');
  } else if (
    rules.allowPrivate !== true &&
    (host.length > HOST_CHARACTERS_MAX || !HOST_NAME.test(host))
  ) {
    return refuse('host_refused');
  }
  const port = url.port === '' ? undefined : Number(url.port);
  const free = local || rules.allowPrivate === true;
  if (port !== undefined && port < PORT_MIN && !free) return refuse('port_refused');
  return ok(url);
}

/** The host to resolve: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Whether `url` may be called at `address`. Without encryption only this machine may, unless the rules say more. */
export function isAllowed(address: string, url: URL, rules: UrlRules): boolean {
  if (rules.allowPrivate === true) return true;
  const kind = addressKind(address);
  if (kind === 'loopback') return rules.allowLoopback;
  return kind === 'public' && (url.protocol === 'https:' || rules.allowPlain === true);
}

/** An IPv6 address has many spellings, but none that is not plainly one. */
function isSpelledAsRead(authority: string, hostname: string): boolean {
  if (authority.startsWith('[')) return hostname.startsWith('[');
  return authority.replace(/:\d*$/, '').toLowerCase() === hostname;
}

function refuse(fault: UrlFault): { readonly ok: false; readonly fault: UrlFault } {
  return { ok: false, fault };
}
