import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { FeedbackLevel, ScenarioSettings } from '../service/scenario/settings.ts';
import { AUTH } from './auth.ts';
import { each, list, optional, or, plain, required, section, table } from './reader.ts';
import { choice, flag, integer, path, text, toolName } from './values.ts';

type ServerSettings = ScenarioSettings['server'];

/** Tools that a list may name. */
const TOOLS_LISTED_MAX = 128;

const LEVELS = ['summary', 'trace', 'evidence'] as const satisfies readonly FeedbackLevel[];

const LIMITS = plain({
  max_inflight: or(256, integer(1)),
  rate_limit: optional(
    plain({
      max_requests: or(1_000, integer(1, 100_000)),
      window_ms: or(1_000, integer(100, 60_000)),
      max_entries: or(4_096, integer(1, 65_536)),
    }),
  ),
});

const TLS = plain({
  cert_path: required(path),
  key_path: required(path),
  client_ca_path: optional(path),
  require_client_cert: or(true, flag),
});

const AUDIT = plain({
  enabled: or(true, flag),
  path: optional(path),
  log_precheck_payloads: or(false, flag),
});

const SCENARIO_NEXT = table(
  {
    default: or('summary', choice(...LEVELS)),
    local_only_default: or('trace', choice(...LEVELS)),
    max: or('trace', choice(...LEVELS)),
    trace_subjects: or(['loopback', 'stdio'], list(text)),
    trace_roles: each(text),
    evidence_subjects: each(text),
    evidence_roles: each(text),
  },
  (feedback, { invalid }, at) => {
    const isBeyond = (level: FeedbackLevel): boolean =>
      LEVELS.indexOf(level) > LEVELS.indexOf(feedback.max);
    if (isBeyond(feedback.default)) invalid(`${at}.default exceeds ${at}.max`);
    if (isBeyond(feedback.localOnlyDefault)) {
      invalid(`${at}.local_only_default exceeds ${at}.max`);
    }
    return feedback;
  },
);

const TOOLS = plain({
  mode: or('filter', choice('filter', 'passthrough')),
  allowlist: each(toolName, TOOLS_LISTED_MAX),
  denylist: each(toolName, TOOLS_LISTED_MAX),
});

/** `[server]`: transport, limits, credentials, audit, and how much callers are told. */
export const SERVER = table(
  {
    transport: or('stdio', choice('stdio', 'http', 'sse')),
    mode: or('strict', choice('strict', 'dev_permissive')),
    tls_termination: or('server', choice('server', 'upstream')),
    bind: optional(text),
    max_body_bytes: or(1_048_576, integer(1)),
    limits: section(LIMITS),
    auth: section(AUTH),
    tls: optional(TLS),
    audit: section(AUDIT),
    feedback: section(plain({ scenario_next: section(SCENARIO_NEXT) })),
    tools: section(TOOLS),
    metrics: or(false, flag),
  },
  ({ mode, bind: address, limits, feedback, ...rest }, { invalid }) => {
    const bind = address === undefined ? undefined : socketAddress(address);
    const settings: ServerSettings = {
      ...rest,
      bind,
      maxInflight: limits.maxInflight,
      rateLimit: limits.rateLimit,
      feedback: feedback.scenarioNext,
    };
    const fault =
      address !== undefined && bind === undefined ? 'invalid bind address' : faultOf(settings);
    if (fault !== undefined) invalid(fault);
    return { settings, permissive: mode === 'dev_permissive' };
  },
);

function faultOf({ transport, bind, auth, tls }: ServerSettings): string | undefined {
  if (transport === 'stdio') {
    if (auth.mode !== 'local_only') return 'stdio transport only supports local_only auth';
    return tls === undefined ? undefined : 'stdio transport does not support server.tls';
  }
  if (bind === undefined) return 'http/sse transport requires bind address';
  return auth.mode === 'local_only' && !isLoopback(bind.host)
    ? 'non-loopback bind disallowed without auth policy'
    : undefined;
}

/** Reads `address:port`, with brackets around an IPv6 address; names of hosts are none. */
function socketAddress(given: string): NonNullable<ServerSettings['bind']> | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(given);
  const [, six = '', four = '', digits] = found ?? [];
  const port = Number(digits);
  if (!(isIPv6(six) || isIPv4(four)) || port > 65_535) return undefined;
  return { host: six === '' ? four : six, port };
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
