import { type decide, fail, ok, type Result } from '@countersign/contract';
import { unboundWorkflow } from '@countersign/policy';
import { type Members, parseJson } from '@countersign/proof';
import { invalid } from '../../service/decide.ts';
import type { PolicyHistory } from '../../service/policies.ts';
import {
  activatePolicy,
  PREVIEW_DAYS,
  PREVIEW_DECISIONS_MAX,
  readPolicyDocument,
  registerPolicy,
  suspendPolicy,
} from '../../service/policy-admin.ts';
import { firstPartyBundles, tenantBundles } from '../../service/policy-bundles.ts';
import { previewOf } from '../../service/policy-preview.ts';
import { activeVersion, answers, stateOf } from '../../service/policy-states.ts';
import { artefactText, type Recorded } from '../../service/recorded.ts';
import { type Call, type HandlersOf, json, principalOf } from '../call.ts';
import { replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';

/** Policies: templates, versions, states, bundles. */
export function policyHandlers(
  ports: DoorPorts,
): HandlersOf<
  | 'policyPatterns'
  | 'policyBundles'
  | 'listPolicies'
  | 'readPolicy'
  | 'readPolicyVersion'
  | 'registerPolicy'
  | 'previewPolicy'
  | 'activatePolicy'
  | 'suspendPolicy'
> {
  const { policies, reader } = ports;
  const firstParty = firstPartyBundles(ports.templates);

  return {
    policyPatterns: async ({ query }) => {
      const patterns = ports.templates
        .map(({ pattern }) => pattern)
        .filter((pattern) => matchesPattern(pattern, query));
      const [first] = patterns;
      return ok(
        json({
          ok: true,
          decision_protocol_version: 'decision_protocol_v1',
          decision_record_version: 'decision_record_v1',
          decision_pattern_registry_version: 'decision_pattern_registry_v1',
          source: 'first_party',
          status: 'active',
          count: patterns.length,
          patterns,
          ...(query['pattern_id'] === undefined || first === undefined
            ? {}
            : { policy_pattern: first }),
        }),
      );
    },

    policyBundles: async ({ principal, query }) => {
      const own =
        principal === undefined ? [] : await tenantBundles(policies, reader, principal.tenant);
      const { hash, bundle_id: id } = query;
      const bundles = [...firstParty, ...own].filter(
        (bundle) =>
          (hash === undefined || bundle['hash'] === hash) &&
          (id === undefined || bundle['id'] === id),
      );
      return ok(json({ ok: true, count: bundles.length, bundles }));
    },

    listPolicies: async (call) => {
      const { tenant } = principalOf(call);
      await policies.refresh(reader, tenant);
      const list = policies
        .policyIds(tenant)
        .map((policyId) => summaryOf(policyId, policies.history(tenant, policyId), now()));
      return ok(json({ ok: true, count: list.length, policies: list }));
    },

    readPolicy: async (call) => {
      const history = await historyOf(call);
      if (!history.ok) return history;
      const { versions, states } = history.value;
      return ok(
        json({
          ok: true,
          ...summaryOf(call.params['policy_id'] ?? '', history.value, now()),
          versions: versions.map(({ policy, created_at: at, registered_by: by }) => ({
            version: policy.document.version,
            state: stateOf(states, policy.document.version),
            policy_hash: policy.policyHash,
            policy_bundle_hash: policy.bundle.hash,
            registered_at: at,
            registered_by: by,
          })),
          history: states,
        }),
      );
    },

    readPolicyVersion: async (call) => {
      const history = await historyOf(call);
      if (!history.ok) return history;
      const version = call.params['version'] ?? '';
      const { versions, states } = history.value;
      const found = versions.find(({ policy }) => policy.document.version === version);
      if (found === undefined) return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
      const { policy, created_at: at, registered_by: by } = found;
      return ok(
        json({
          ok: true,
          policy_id: policy.document.policyId,
          version,
          state: stateOf(states, version),
          policy_hash: policy.policyHash,
          policy_bundle: policy.bundle,
          registered_at: at,
          registered_by: by,
          warnings: policy.document.warnings,
          document: policy.document.source,
        }),
      );
    },

    registerPolicy: async (call) => {
      const { principal, policyId, idempotencyKey } = commandOf(call);
      const version = call.params['version'] ?? '';
      const answered = await registerPolicy(ports, {
        principal,
        policyId,
        version,
        idempotencyKey,
        document: call.body,
      });
      if (!answered.ok) return answered;
      const { document: _, created_at: at, ...entry } = membersOf(answered.value.recorded);
      const { warnings = [] } =
        policies.version(principal.tenant, policyId, version)?.document ?? {};
      return ok({
        ...json(
          { ok: true, ...entry, registered_at: at, warnings },
          answered.value.created ? 201 : 200,
        ),
        headers: replayHeader(answered.value),
      });
    },

    previewPolicy: async (call) => {
      const { principal, policyId } = commandOf(call);
      const { version, document, days, limit } = call.body as decide.PreviewRequest;
      if (version !== undefined && document !== undefined)
        return invalid('/document', 'unknown_field');
      if (version === undefined && document === undefined) return invalid('/version', 'required');
      await policies.refresh(reader, principal.tenant);
      const stored =
        version === undefined
          ? undefined
          : policies.version(principal.tenant, policyId, version)?.document;
      if (version !== undefined && (stored === undefined || stored === unboundWorkflow)) {
        return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
      }
      const read = stored === undefined ? readPolicyDocument(document, { policyId }) : ok(stored);
      if (!read.ok) return read;
      const preview = await previewOf(ports, principal.tenant, read.value, {
        days: days ?? PREVIEW_DAYS,
        limit: limit ?? PREVIEW_DECISIONS_MAX,
      });
      return ok(json({ ok: true, ...preview }));
    },

    activatePolicy: async (call) => {
      const request = call.body as decide.ActivateRequest;
      const answered = await activatePolicy(ports, { ...commandOf(call), request });
      if (!answered.ok) return answered;
      return ok({
        ...json(changeOf(answered.value.recorded)),
        headers: replayHeader(answered.value),
      });
    },

    suspendPolicy: async (call) => {
      const request = call.body as decide.SuspendRequest;
      const answered = await suspendPolicy(ports, { ...commandOf(call), request });
      if (!answered.ok) return answered;
      return ok({
        ...json(changeOf(answered.value.recorded)),
        headers: replayHeader(answered.value),
      });
    },
  };

  function now(): number {
    return ports.ambient.now();
  }

  async function historyOf(call: Call): Promise<Result<PolicyHistory>> {
    const { tenant } = principalOf(call);
    await policies.refresh(reader, tenant);
    const history = policies.history(tenant, call.params['policy_id'] ?? '');
    return history.versions.length === 0 ? fail({ code: 'DECIDE_POLICY_NOT_FOUND' }) : ok(history);
  }
}

function commandOf(call: Call) {
  return {
    principal: principalOf(call),
    policyId: call.params['policy_id'] ?? '',
    idempotencyKey: call.idempotencyKey,
  };
}

/** A policy as lists show it. What it is called and answers for is said by the version in force, or the newest. */
function summaryOf(policyId: string, { versions, states }: PolicyHistory, at: number): Members {
  const last = states.at(-1);
  const shown =
    versions.find(({ policy }) => policy.document.version === last?.version) ?? versions.at(-1);
  return {
    policy_id: policyId,
    title: shown?.policy.document.title,
    workflows: shown?.policy.document.workflows,
    state: last?.state ?? 'draft',
    active_version: activeVersion(states),
    // An active policy outside of its window answers as a suspended one does.
    answers: last !== undefined && answers(last, at),
    versions: versions.map(({ policy }) => policy.document.version),
  };
}

/** A change of state as it was recorded. */
function changeOf(recorded: Recorded): Members {
  const { policy_id: id, version, state, ...change } = membersOf(recorded);
  return {
    ok: true,
    policy_id: id,
    version,
    state,
    active_version: state === 'active' ? version : null,
    ...change,
  };
}

/** Deepest recorded policy: what the parser can do, since our own writer made it. */
const RECORDED_DEPTH_MAX = 512;

function membersOf(recorded: Recorded): Members {
  const parsed = parseJson(artefactText(recorded), { depthMax: RECORDED_DEPTH_MAX });
  if (!parsed.ok) throw new Error('a recorded policy is not strict JSON');
  return parsed.value as Members;
}

function matchesPattern(
  pattern: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>>,
): boolean {
  const { pattern_id: id, tag } = query;
  if (id !== undefined && pattern['pattern_id'] !== id) return false;
  const tags = pattern['tags'];
  return tag === undefined || (Array.isArray(tags) && tags.includes(tag));
}
