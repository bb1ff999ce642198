import type { OperationName } from '@countersign/contract';
import type { Answer } from './answers.ts';
import type { DecideClient } from './client.ts';
import type { ViewOptions } from './requests.ts';

/** What is sent besides the headers that every call has. */
export interface Given {
  readonly idempotencyKey?: string | undefined;
  readonly responseView?: ViewOptions['responseView'] | undefined;
  /** Values of the parameters in the path. */
  readonly params?: Readonly<Record<string, string>>;
  /** By their wire names, or by the same in camel case. */
  readonly query?: object | undefined;
  readonly body?: unknown;
  /** Said where it does not follow from the operation. */
  readonly repeatable?: boolean;
}

export type Call = <Result extends Answer>(name: OperationName, given?: Given) => Promise<Result>;

/** One method per operation; where it goes and what it may send stands in the table of operations. */
export function methods(call: Call): DecideClient {
  const list =
    (name: OperationName): DecideClient['listExecutions'] =>
    (id, query) =>
      call(name, { params: { id }, query });
  const report =
    (name: OperationName) =>
    (policyId: string, query?: object): Promise<Answer> =>
      call(name, { params: { policy_id: policyId }, query });

  return {
    decide: (input, options) => call('decide', { body: input, ...options }),
    decideBatch: (items) =>
      call('decideBatch', {
        body: { items },
        repeatable: items.every((item) => item.idempotency_key !== undefined),
      }),
    claim: (id, body, options) => call('claimDecision', { params: { id }, body, ...options }),

    lookupDecision: (id, { responseView, ...query } = {}) =>
      call('lookupDecision', { params: { id }, query, responseView }),
    searchDecisions: (query) => call('search', { query }),
    verifyDecision: (id) => call('verifyDecision', { params: { id } }),
    verifyRecord: ({ publicKey, ...body }) =>
      call('verifyRecord', { body: { ...body, public_key: publicKey } }),
    replayDecision: (id, body = {}) => call('replayDecision', { params: { id }, body }),
    diffDecision: (id, body = {}) => call('diffDecision', { params: { id }, body }),
    counterfactuals: (id, body) =>
      call('counterfactuals', { params: { id }, body, responseView: body.response_view }),

    recordExecution: (id, body, options) =>
      call('recordExecution', { params: { id }, body, ...options }),
    recordOutcome: (id, body, options) =>
      call('recordOutcome', { params: { id }, body, ...options }),
    recordCrmSync: (id, body, options) =>
      call('recordCrmSync', { params: { id }, body, ...options }),
    listExecutions: list('listExecutions'),
    listOutcomes: list('listOutcomes'),
    listCrmSyncs: list('listCrmSyncs'),

    listReviews: (query) => call('listReviews', { query }),
    resolveReview: (id, body, options) =>
      call('resolveReview', {
        params: { id },
        body,
        responseView: body.response_view,
        ...options,
      }),

    decisionPacket: (id, query) => call('decisionPacket', { params: { id }, query }),
    decisionChain: (chainId, query) =>
      call('decisionChain', { params: { chain_id: chainId }, query }),

    policyEffectiveness: report('policyEffectiveness'),
    policyAnomalies: report('policyAnomalies'),
    policyConfidence: report('policyConfidence'),
    policyBenchmarks: report('policyBenchmarks'),
    policyReadiness: report('policyReadiness'),

    readPolicy: (policyId, version) =>
      version === undefined
        ? call('readPolicy', { params: { policy_id: policyId } })
        : call('readPolicyVersion', { params: { policy_id: policyId, version } }),
    registerPolicy: ({ id, version }, document, options) =>
      call('registerPolicy', { params: { policy_id: id, version }, body: document, ...options }),
    // Looks at earlier decisions and writes nothing.
    previewPolicy: (policyId, body) =>
      call('previewPolicy', { params: { policy_id: policyId }, body, repeatable: true }),
    activatePolicy: (policyId, body, options) =>
      call('activatePolicy', { params: { policy_id: policyId }, body, ...options }),
    suspendPolicy: (policyId, body, options) =>
      call('suspendPolicy', { params: { policy_id: policyId }, body, ...options }),

    rulebookMetadata: (query) => call('rulebookMetadata', { query }),
    registerRulebook: ({ id, version }, body, options) =>
      call('registerRulebook', { params: { rulebook_id: id, version }, body, ...options }),

    receiptKeys: () => call('receiptKeys'),
    policyBundles: (query) => call('policyBundles', { query }),
    policyPatterns: (query) => call('policyPatterns', { query }),
    status: () => call('status'),
  };
}
