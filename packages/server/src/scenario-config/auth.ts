import type { ScenarioSettings } from '../service/scenario/settings.ts';
import { each, optional, or, plain, required, table } from './reader.ts';
import { secretInFile, secretInVariable } from './secrets.ts';
import { checked, choice, filled, flag, scopeId, toolName, trimmed } from './values.ts';

/** Tokens, certificate subjects, or principals that a server knows. */
const CALLERS_MAX = 64;
const TOKEN_BYTES_MAX = 256;
const SUBJECT_BYTES_MAX = 512;
/** Tools that a list may name, and roles that a principal may have. */
const LISTED_MAX = 128;

const ROLE = plain({
  name: required(filled),
  tenant_id: optional(scopeId),
  namespace_id: optional(scopeId),
});

const PRINCIPAL = plain({
  subject: required(filled),
  policy_class: optional(filled),
  roles: each(ROLE, LISTED_MAX),
});

const subject = checked(filled, (value) =>
  Buffer.byteLength(value) > SUBJECT_BYTES_MAX
    ? `is longer than ${SUBJECT_BYTES_MAX} bytes`
    : undefined,
);

/** `[server.auth]`: who may call, and how they show who they are. */
export const AUTH = table(
  {
    mode: or('local_only', choice('local_only', 'bearer_token', 'mtls')),
    bearer_tokens: each(trimmed(TOKEN_BYTES_MAX)),
    bearer_tokens_file: optional(secretInFile),
    bearer_tokens_env: optional(secretInVariable),
    mtls_subjects: each(subject, CALLERS_MAX),
    allowed_tools: each(toolName, LISTED_MAX),
    principals: each(PRINCIPAL, CALLERS_MAX),
    bind_tenants: or(false, flag),
  },
  (auth, { invalid }, at): ScenarioSettings['server']['auth'] => {
    const { bearerTokensFile, bearerTokensEnv, ...rest } = auth;
    const elsewhere = [bearerTokensFile, bearerTokensEnv]
      .flatMap((secret) => secret?.split(/\s+/) ?? [])
      .filter((token) => token !== '');
    if (elsewhere.some((token) => Buffer.byteLength(token) > TOKEN_BYTES_MAX)) {
      invalid(`${at} has a bearer token longer than ${TOKEN_BYTES_MAX} bytes`);
    }
    const bearerTokens = [...auth.bearerTokens, ...elsewhere];
    if (bearerTokens.length > CALLERS_MAX) {
      invalid(`${at}.bearer_tokens has more than ${CALLERS_MAX} items`);
    }
    if (auth.mode === 'bearer_token' && bearerTokens.length === 0) {
      invalid('bearer_token auth requires server.auth.bearer_tokens');
    }
    if (auth.mode === 'mtls' && auth.mtlsSubjects.length === 0) {
      invalid('mtls auth requires server.auth.mtls_subjects');
    }
    return { ...rest, bearerTokens };
  },
);
