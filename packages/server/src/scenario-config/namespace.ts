import type { ScenarioSettings } from '../service/scenario/settings.ts';
import { each, list, optional, or, required, section, type TableKind, table } from './reader.ts';
import { secretInFile, secretInVariable } from './secrets.ts';
import { choice, filled, flag, integer, scopeId, text, webAddress } from './values.ts';

const ASSETCORE = table(
  {
    base_url: required(webAddress),
    auth_token: optional(filled),
    auth_token_file: optional(secretInFile),
    auth_token_env: optional(secretInVariable),
    connect_timeout_ms: or(500, integer(100, 10_000)),
    request_timeout_ms: or(2_000, integer(500, 30_000)),
  },
  ({ authToken, authTokenFile, authTokenEnv, ...rest }) => ({
    ...rest,
    authToken: authToken ?? authTokenFile ?? authTokenEnv,
  }),
);

const AUTHORITY = table(
  {
    mode: or('none', choice('none', 'assetcore_http')),
    assetcore: optional(ASSETCORE),
  },
  ({ mode, assetcore }, { invalid }, at) => {
    if (mode === 'none' && assetcore !== undefined) {
      invalid(`${at}.assetcore is allowed only with ${at}.mode = "assetcore_http"`);
    }
    if (mode === 'assetcore_http' && assetcore === undefined) {
      invalid(`${at}.mode = "assetcore_http" requires ${at}.assetcore`);
    }
    return assetcore;
  },
);

/** `[namespace]`: who may use namespace 1, and who says which others there are. */
export const NAMESPACE: TableKind<ScenarioSettings['namespace']> = table(
  {
    allow_default: or(false, flag),
    default_tenants: each(scopeId),
    authority: section(AUTHORITY),
  },
  ({ authority, ...rest }, { invalid }, at): ScenarioSettings['namespace'] => {
    if (rest.allowDefault && rest.defaultTenants.length === 0) {
      invalid(`${at}.allow_default requires ${at}.default_tenants`);
    }
    return { ...rest, assetCore: authority };
  },
);

/** `[dev]`: whether what callers assert may count as evidence. */
export const DEV = table(
  {
    permissive: or(false, flag),
    permissive_scope: or('asserted_evidence_only', choice('asserted_evidence_only')),
    permissive_ttl_days: optional(integer(1)),
    permissive_warn: or(true, flag),
    permissive_exempt_providers: or(['assetcore_read', 'assetcore'], list(text)),
  },
  ({ permissiveScope: _scope, ...rest }): ScenarioSettings['dev'] => rest,
);
