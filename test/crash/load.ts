import { sha256Hex } from '@countersign/proof';
import { CALLERS, type Reply, type ServerProcess } from './server.ts';

/** A question or a report under an idempotency key of its own, and what the server answered. */
export interface Asked {
  readonly kind: 'decision' | 'execution';
  readonly key: string;
  readonly path: string;
  /** No two have the same body. */
  readonly body: string;
  /** The first whole answer; every later one must be equal to it. */
  answer?: Buffer;
  decisionId?: string;
}

/** What callers remember over all crashes of the server. */
export class Callers {
  readonly asked: Asked[] = [];
  readonly answered: Asked[] = [];
  /** What the server did that it must never do. */
  readonly faults: string[] = [];
  /** Requests without an answer, over all of a load. */
  readonly inFlight = new Set<{ readonly asked: Asked }>();
  readonly #random: () => number;
  /** Permissions that nobody has used yet. */
  #permitted: Permission[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Keeps the server busy until `stopped` says otherwise or it is gone. What has no answer then stays in flight. */
  async load(server: ServerProcess, stopped: () => boolean): Promise<void> {
    this.inFlight.clear();
    this.#permitted = [];
    const caller = async (): Promise<void> => {
      while (!stopped()) {
        const sent = { asked: this.#choose() };
        this.inFlight.add(sent);
        const reply = await server.call(sent.asked);
        if (reply === undefined) return;
        this.inFlight.delete(sent);
        if (!isInProgress(reply)) this.take(sent.asked, reply);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  }

  /** Remembers a first answer and compares every later one with it. */
  take(asked: Asked, reply: Reply | undefined): void {
    if (reply === undefined || (reply.status !== 200 && reply.status !== 201)) {
      const what = reply === undefined ? 'nothing' : `${reply.status} ${reply.body.toString()}`;
      this.faults.push(`${asked.key} was answered ${what}`);
    } else if (asked.answer === undefined) {
      asked.answer = reply.body;
      this.answered.push(asked);
      if (asked.kind === 'decision') this.#read(asked, reply.body);
    } else if (!asked.answer.equals(reply.body)) {
      this.faults.push(`${asked.key} was answered differently the second time`);
    }
  }

  #read(asked: Asked, answer: Buffer): void {
    const record = JSON.parse(answer.toString()) as DecisionAnswer;
    asked.decisionId = record.decision_id;
    if (record.verdict === 'yes') this.#permitted.push({ asked, record });
  }

  #choose(): Asked {
    const dice = this.#random();
    if (dice < 0.2) {
      const repeated = this.asked[Math.floor(this.#random() * this.asked.length)];
      if (repeated !== undefined) return repeated;
    }
    const permission = dice < 0.5 ? this.#permitted.pop() : undefined;
    const number = this.asked.length;
    const asked = permission === undefined ? question(number) : report(number, permission);
    this.asked.push(asked);
    return asked;
  }
}

interface DecisionAnswer {
  readonly decision_id: string;
  readonly verdict: string;
  readonly record_hash: string;
  readonly receipt_hash: string;
}

interface Permission {
  readonly asked: Asked;
  readonly record: DecisionAnswer;
}

/** The same key is being answered to another caller at this moment. */
function isInProgress({ status, body }: Reply): boolean {
  return status === 409 && body.includes('"DECIDE_API_IDEMPOTENCY_IN_PROGRESS"');
}

/** Most are a yes; every fifth lacks evidence and is for the owner to look at. */
function question(number: number): Asked {
  return {
    kind: 'decision',
    key: `decision-${number}`,
    path: '/api/decide',
    body: JSON.stringify({
      question: 'Approve the discount before billing is updated?',
      mode: 'single',
      context: {
        workflow: 'billing_discount_gate',
        customer_id: `cus_${number}`,
        invoice_or_subscription_id: `sub_${number}`,
        requested_action: 'apply_discount',
        discount_percent: 15,
        margin_floor: 'passed',
        ...(number % 5 === 4 ? {} : { owner_rule: 'verified' }),
        target_system: 'billing',
        mutation: 'discount.create',
      },
    }),
  };
}

function report(number: number, { asked, record }: Permission): Asked {
  const { context } = JSON.parse(asked.body) as {
    readonly context: { readonly invoice_or_subscription_id: string };
  };
  return {
    kind: 'execution',
    key: `execution-${number}`,
    path: `/api/decision/${record.decision_id}/execution`,
    decisionId: record.decision_id,
    body: JSON.stringify({
      decision_record_hash: record.record_hash,
      decision_receipt_hash: record.receipt_hash,
      execution_status: 'executed',
      action_taken: 'apply_discount',
      target_system: 'billing',
      target_object_id: context.invoice_or_subscription_id,
      mutation: 'discount.create',
      parameters: { discount_percent: 15 },
      executor: { type: 'service', id: 'crash-test' },
      state_before_hash: `sha256:${sha256Hex(`before ${number}`)}`,
      state_after_hash: `sha256:${sha256Hex(`after ${number}`)}`,
    }),
  };
}
