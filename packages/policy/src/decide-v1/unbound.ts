import { compilePolicy } from '../policy.ts';
import { type BuiltinName, builtinCondition, OWNER_DENIED, withBuiltins } from './builtin.ts';
import type { PolicyDocument } from './compile.ts';

const GROUP = 'policy_owners';

const JUDGED: readonly BuiltinName[] = ['builtin.policy_bound', 'builtin.policy_unambiguous'];

/**
 * The policy that answers where no stored one does, or where two claim the workflow: always
 * `review`, with `POLICY_NOT_BOUND` or `POLICY_AMBIGUOUS`, and with a document to hash like any
 * other. It judges nothing else (an owner may still deny), since nobody has said what else should hold.
 */
export const unboundWorkflow: PolicyDocument = {
  source: {
    policy_schema_version: 'decide_policy_v1',
    policy_id: 'unbound_workflow',
    version: 'v1',
    title: 'No policy answers for this workflow',
    owner: { group: GROUP },
    requirement: { cond: 'builtin.policy_bound' },
  },
  policyId: 'unbound_workflow',
  version: 'v1',
  title: 'No policy answers for this workflow',
  workflows: [],
  owner: { group: GROUP, allowedGroups: [] },
  actions: new Map(),
  contextFields: [],
  contextClosed: false,
  conditions: [],
  conditionsByName: new Map(),
  bindParameters: [],
  authorization: {
    validForSeconds: 900,
    maxExecutions: 1,
    requireResource: true,
    requireClaim: false,
    requireIdempotencyKey: false,
    executorDiffersFromRequester: false,
  },
  review: {
    group: GROUP,
    dueSeconds: 86_400,
    quorum: 1,
    waivable: [],
    overridable: [],
    requireSignature: false,
  },
  selfTests: [],
  warnings: [],
  kernel: compilePolicy([...JUDGED, OWNER_DENIED.name].map(builtinCondition), withBuiltins(JUDGED)),
};
