import type { Members } from '@countersign/proof';
import { CATALOGUE } from '../agent-tool/catalogue.ts';
import { actionOf as toolAction } from '../agent-tool/decide-tool.ts';
import { runAgent } from '../agent-tool/host.ts';
import { openAgentTools } from '../agent-tool/tools.ts';
import { type DiscountChange, openBilling } from '../billing/billing.ts';
import { atomicCrm, stepwiseCrm } from '../crm/crm.ts';
import { type FieldChange, openWriteBack } from '../crm/write-back.ts';
import type { Action } from '../gated-action/action.ts';
import type { Engine } from '../gated-action/engine.ts';
import { type ObjectApiOptions, objectApi } from '../gated-action/object-api.ts';
import type { Settings } from '../gated-action/settings.ts';
import { actionOf as eventAction, readEvent } from '../nocode-proxy/automation.ts';
import { DEAL_DISCOUNT } from '../nocode-proxy/deal-discount.ts';
import { openProxy } from '../nocode-proxy/proxy.ts';
import { runAutomation } from '../nocode-proxy/tool.ts';
import type { Job } from '../queue-worker/queue.ts';
import { openWorker } from '../queue-worker/worker.ts';

/** One piece of work, in the words of every integration at once. */
export interface Work {
  readonly id: string;
  readonly kind: 'yes' | 'no' | 'review';
  /** The same work as somebody changed it behind the decision's back. */
  readonly altered?: boolean;
}

/** An integration that is running. */
export interface Rig {
  readonly engine: Engine;
  readonly actionOf: (work: Work) => Action;
  /** All of it, the way it comes from outside. */
  deliver(work: Work): Promise<unknown>;
  recover(): Promise<void>;
  close(): Promise<void>;
}

export interface RigKind {
  readonly name: string;
  readonly open: (settings: Settings, system: ObjectApiOptions, log: Log) => Promise<Rig>;
  /** State of the object before anything happened. */
  readonly before: Members;
  /** The member that counts as the side effect. */
  readonly member: string;
}

export type Log = (line: string) => void;

export const TOOL_SECRET = 'automation-secret-of-the-tests';
export const BUDGET = 2_000;

const billing: RigKind = {
  name: 'billing',
  before: { discount_percent: 0 },
  member: 'discount_percent',
  async open(settings, system) {
    const gated = openBilling(settings, system);
    const changeOf = ({ id, kind, altered }: Work): DiscountChange => ({
      customerId: 'cus_northwind',
      subscriptionId: id,
      changeId: 'first',
      discountPercent: altered === true ? 14 : 15,
      marginFloor: { yes: 'passed', no: 'failed', review: undefined }[kind],
      ownerRule: 'verified',
    });
    return {
      engine: gated.engine,
      actionOf: (work) => gated.actionOf(changeOf(work)),
      deliver: (work) => gated.apply(changeOf(work)),
      recover: () => gated.engine.recover(),
      close: async () => {},
    };
  },
};

const crm = (flavour: typeof atomicCrm): RigKind => ({
  name: flavour === atomicCrm ? 'crm, atomic' : 'crm, stepwise',
  before: { discount_tier: 'standard' },
  member: 'discount_tier',
  async open(settings, system) {
    const gated = openWriteBack(settings, flavour(system));
    const changeOf = ({ id, kind, altered }: Work): FieldChange => ({
      dealId: id,
      changeId: 'first',
      field: 'discount_tier',
      value: altered === true ? 'gold' : 'silver',
      version: 1,
      stage: kind === 'no' ? 'closed_won' : 'negotiation',
      segment: 'midmarket',
      plan: 'annual',
      term: '12m',
      ownerRule: 'verified',
      source: kind === 'review' ? undefined : { id: 'quote_1', hash: `sha256:${'e'.repeat(64)}` },
    });
    return {
      engine: gated.engine,
      actionOf: (work) => gated.actionOf(changeOf(work)),
      deliver: (work) => gated.apply(changeOf(work)),
      recover: () => gated.recover(),
      close: async () => {},
    };
  },
});

const nocode: RigKind = {
  name: 'nocode-proxy',
  before: { discount_percent: 0 },
  member: 'discount_percent',
  async open(settings, system, log) {
    const proxy = await openProxy(settings, {
      automations: [DEAL_DISCOUNT],
      secret: () => TOOL_SECRET,
      find: (key) => objectApi(system).find(key),
      log,
    });
    const eventOf = ({ id, kind, altered }: Work): Members => ({
      event_id: `evt_${id}`,
      run_id: `run_${id}`,
      deal: {
        id,
        discount: altered === true ? 14 : 15,
        checks: {
          margin: { yes: 'passed', no: 'failed', review: 'not_looked_at' }[kind],
          owner: 'verified',
        },
      },
    });
    const tool = {
      proxyUrl: proxy.url,
      automationId: DEAL_DISCOUNT.id,
      secret: TOOL_SECRET,
      system,
      now: settings.now,
    };
    return {
      engine: proxy.engine,
      actionOf(work) {
        const event = readEvent(eventOf(work));
        const action = event && eventAction(DEAL_DISCOUNT, event);
        if (action === undefined) throw new Error('this is no event');
        return action;
      },
      deliver: (work) => {
        const set = { discount_percent: work.altered === true ? 14 : 15 };
        return runAutomation(tool, eventOf(work), { object: work.id, set });
      },
      recover: () => proxy.engine.recover(),
      close: () => proxy.close(),
    };
  },
};

const queue: RigKind = {
  name: 'queue-worker',
  before: { charged_minor: 30_000 },
  member: 'refunded_minor',
  async open(settings, system) {
    const worker = openWorker(settings, system);
    return {
      engine: worker.engine,
      actionOf: (work) => worker.actionOf(jobOf(work)),
      async deliver(work) {
        const job = jobOf(work);
        worker.queue.put(job);
        return worker.handle(job);
      },
      recover: () => worker.engine.recover(),
      close: async () => {},
    };
  },
};

export function jobOf({ id, kind, altered }: Work): Job {
  const amount = kind === 'review' ? 25_000 : 4_900;
  return {
    jobId: `job_${id}`,
    queue: 'refunds',
    action: 'issue_refund',
    sourceRecordId: `ticket_${id}`,
    failures: 0,
    payload: {
      amount_minor: altered === true ? amount - 100 : amount,
      currency: 'EUR',
      risk_state: 'clear',
      charge_hash: `sha256:${'a'.repeat(64)}`,
      charge: {
        charge_id: id,
        payment_status: kind === 'no' ? 'disputed' : 'settled',
        days_since_purchase: 12,
        refunded_total_minor: 0,
        charged_minor: 30_000,
      },
    },
  };
}

const agent: RigKind = {
  name: 'agent-tool',
  before: { amount_minor: 0 },
  member: 'amount_minor',
  async open(settings, system) {
    const tools = openAgentTools(settings, system);
    const runOf = ({ id }: Work) => ({
      runId: `run_${id}`,
      agentId: 'agent_quotes_7',
      proposer: 'per_example_tove',
      budgetMinor: BUDGET,
    });
    const proposalOf = ({ id, kind, altered }: Work) => ({
      number: 1,
      tool: kind === 'review' ? 'issue_refund' : 'send_quote',
      arguments: {
        quote_id: id,
        amount_minor: kind === 'no' ? BUDGET + 1 : altered === true ? 900 : 1_000,
      },
      reason: 'the customer asked for it',
    });
    return {
      engine: tools.engine,
      actionOf(work) {
        const proposal = proposalOf(work);
        const tool = CATALOGUE.find((one) => one.name === proposal.tool);
        if (tool === undefined) throw new Error('no such tool');
        return toolAction(tool, proposal.arguments, proposal, tools.policyOf(runOf(work)));
      },
      deliver: (work) => runAgent({ proposals: [proposalOf(work)] }, tools.forRun(runOf(work))),
      recover: () => tools.engine.recover(),
      close: async () => {},
    };
  },
};

export const RIGS: readonly RigKind[] = [
  billing,
  crm(atomicCrm),
  crm(stepwiseCrm),
  nocode,
  queue,
  agent,
];
