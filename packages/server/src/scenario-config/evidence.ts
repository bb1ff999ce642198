import type { scenario } from '@countersign/policy';
import type { ScenarioSettings, SignaturePolicy } from '../service/scenario/settings.ts';
import { each, isTable, type Kind, list, or, plain, required, table } from './reader.ts';
import { choice, filled, flag, integer, path, trimmed } from './values.ts';

const REQUIRE_SIGNATURE = plain({
  require_signature: required(plain({ keys: required(list(path)) })),
});

/** `"audit"`, or a table that names the keys of which one must have signed. */
export const signaturePolicy: Kind<SignaturePolicy> = {
  decode(given, at, reading) {
    if (!isTable(given)) return { kind: choice('audit').decode(given, at, reading) };
    const { requireSignature } = REQUIRE_SIGNATURE.decode(given, at, reading);
    return { kind: 'require_signature', keys: requireSignature.keys };
  },
};

/** `[trust]`: whose word counts as evidence. */
export const TRUST = plain({
  default_policy: or<SignaturePolicy>({ kind: 'audit' }, signaturePolicy),
  min_lane: or('verified', choice('verified', 'asserted')),
});

/** `[evidence]`: whether values of evidence are shown. */
export const EVIDENCE = plain({
  allow_raw_values: or(false, flag),
  require_provider_opt_in: or(true, flag),
});

const ANCHOR = plain({
  provider_id: required(trimmed()),
  anchor_type: required(filled),
  required_fields: required(list(filled)),
});

/** `[anchors]`: where evidence must say that it comes from. */
export const ANCHORS = table(
  { providers: each(ANCHOR) },
  ({ providers }, { invalid }, at): scenario.AnchorPolicy => {
    const ids = new Set(providers.map(({ providerId }) => providerId));
    if (ids.size < providers.length) invalid(`${at}.providers names a provider_id twice`);
    const required = providers.map(({ providerId, anchorType, requiredFields }) => {
      if (requiredFields.length === 0) {
        invalid(`${at}.providers: ${providerId} requires at least one of required_fields`);
      }
      const fields = new Set(requiredFields.map((field) => field.trim()));
      return {
        provider_id: providerId,
        requirement: { anchor_type: anchorType, required_fields: [...fields].sort() },
      };
    });
    return required.length === 0 ? {} : { providers: required };
  },
);

/** `[provider_discovery]`: which providers callers may look at. */
export const PROVIDER_DISCOVERY = plain({
  allowlist: each(filled),
  denylist: each(filled),
  max_response_bytes: or(1_048_576, integer(1)),
});

/** `[validation]`: how closely comparators must fit what their checks give. */
export const VALIDATION = table(
  {
    strict: or(true, flag),
    profile: or('strict_core_v1', choice('strict_core_v1')),
    allow_permissive: or(false, flag),
    enable_lexicographic: or(false, flag),
    enable_deep_equals: or(false, flag),
  },
  (
    { strict, allowPermissive, enableLexicographic, enableDeepEquals },
    { invalid },
    at,
  ): ScenarioSettings['validation'] => {
    if (!strict && !allowPermissive) {
      invalid(`${at}.strict = false requires ${at}.allow_permissive = true`);
    }
    return { strict, enableLexicographic, enableDeepEquals };
  },
);
