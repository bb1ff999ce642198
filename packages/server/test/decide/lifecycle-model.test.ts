import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  type Answer,
  addPolicies,
  at,
  claimed,
  executed,
  type Gate,
  listAt,
  type Members,
  openGate,
  outcome,
  pathOf,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';

const VALID_MS = 200_000;
const DUE_MS = 300_000;
const CLAIM_MS = 60_000;
const MAX_EXECUTIONS = 2;
const ASKED = { source_record_id: 'src_1', requested_action: 'act' };
const gated = (id: string, requireClaim: boolean) =>
  trialPolicy(
    {
      ok: {
        field: 'ok',
        op: 'equals',
        value: 'yes',
        waivable: true,
        codes: { true: 'OK_GOOD', false: 'OK_BAD', unknown: 'OK_OPEN' },
      },
    },
    { cond: 'ok' },
    {
      policy_id: id,
      workflows: [id],
      authorization: {
        valid_for_seconds: VALID_MS / 1000,
        max_executions: MAX_EXECUTIONS,
        require_claim: requireClaim,
      },
      review: { due_seconds: DUE_MS / 1000 },
      self_tests: [
        { name: 'yes', context: { ...ASKED, ok: 'yes' }, expect: { verdict: 'yes' } },
        { name: 'no', context: { ...ASKED, ok: 'no' }, expect: { verdict: 'no' } },
        { name: 'review', context: ASKED, expect: { verdict: 'review' } },
      ],
    },
  );

let gate: Gate;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const directory = temporaryDirectory();
  await addPolicies(directory, [gated('free_gate', false), gated('claim_gate', true)]);
  gate = await openGate({ directory });
});
afterAll(async () => {
  await gate.close();
  vi.useRealTimers();
});

type Operation =
  | { readonly kind: 'claim'; readonly by: number; readonly right: boolean }
  | {
      readonly kind: 'execute';
      readonly by: number;
      readonly right: boolean;
      readonly agoMs: number;
    }
  | {
      readonly kind: 'tell';
      readonly by: number;
      readonly status: 'skipped' | 'failed' | 'blocked';
    }
  | { readonly kind: 'revert' }
  | { readonly kind: 'outcome'; readonly status: 'succeeded' | 'failed' | 'pending' }
  | { readonly kind: 'approve' | 'deny' | 'suspend' | 'resume' }
  | { readonly kind: 'pass'; readonly ms: number };

const by = fc.nat(1);
const right = fc.integer({ min: 0, max: 9 }).map((dice) => dice > 0);
const operations = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), by, right }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('execute' as const),
        by,
        right,
        agoMs: fc.constantFrom(0, 0, 1_000, 30_000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('tell' as const),
        by,
        status: fc.constantFrom('skipped' as const, 'failed' as const, 'blocked' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'revert' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('outcome' as const),
        status: fc.constantFrom('succeeded' as const, 'failed' as const, 'pending' as const),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'approve' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'deny' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'suspend' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'resume' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        ms: fc.constantFrom(1, 1_000, CLAIM_MS, CLAIM_MS + 1, VALID_MS, DUE_MS + 1),
      }),
    },
  ),
  { minLength: 4, maxLength: 12 },
);

/** A permission of the policy, none yet, one of the owner, and one that the owner has taken back. */
const BEGINNINGS: readonly {
  readonly ok?: string;
  readonly said: readonly ('approve' | 'deny')[];
}[] = [{ ok: 'yes', said: [] }, { said: [] }, { said: ['approve'] }, { said: ['approve', 'deny'] }];

/** What a decision may be used for, by nothing but the rules that callers are told. */
interface Model {
  readonly verdict: unknown;
  readonly madeAt: number;
  /** When its permission ends, or the time of its owner. */
  readonly endsAt: number;
  readonly claims: { readonly by: number; readonly from: number; readonly to: number }[];
  /** Whether its executor has said what came of the last claim. */
  spent: boolean;
  /** Bound executions, and whether the last one was taken back. */
  bound: number;
  undone: boolean;
  reverted: boolean;
  unbound: boolean;
  attempts: number;
  terminal: boolean;
  superseded: boolean;
}

const live = (model: Model, instant: number, who?: number): boolean => {
  const last = model.claims.at(-1);
  return (
    last !== undefined &&
    !model.spent &&
    (who === undefined || who === last.by) &&
    instant >= last.from &&
    instant <= last.to
  );
};

function stateOf(model: Model, now: number): string {
  if (model.unbound) return 'mismatch';
  if (model.terminal) return 'closed';
  if (model.reverted) return 'reverted';
  if (model.bound > 0) return 'executed';
  if (model.superseded) return 'superseded';
  if (now > model.endsAt) return 'expired';
  if (model.verdict === 'review') return 'in_review';
  if (live(model, now)) return 'claimed';
  return model.attempts > 0 ? 'not_executed' : 'authorized';
}

/** One decision with everything that happens to it, each answer held against the model. */
class Run {
  readonly root: Members;
  readonly policy: string;
  readonly models: Map<Members, Model>;
  record: Members;
  suspended = false;

  constructor(root: Members, policy: string) {
    this.root = root;
    this.policy = policy;
    this.record = root;
    this.models = new Map([[root, modelOf(root)]]);
  }

  get model(): Model {
    return this.models.get(this.record) ?? fail();
  }

  async apply(operation: Operation): Promise<void> {
    const now = Date.now();
    switch (operation.kind) {
      case 'pass':
        vi.setSystemTime(now + operation.ms);
        return;
      case 'claim':
        return this.#claim(operation, now);
      case 'execute':
        return this.#execute(operation, now);
      case 'tell':
        return this.#tell(operation, now);
      case 'revert':
        return this.#revert(now);
      case 'outcome':
        return this.#outcome(operation, now);
      case 'approve':
      case 'deny':
        return this.#review(operation.kind, now);
      case 'suspend':
      case 'resume': {
        const wanted = operation.kind === 'suspend';
        if (this.suspended === wanted) return;
        const body = wanted
          ? { reason: 'an incident' }
          : { version: 'v1', expected_active: null, approved_by: 'Ada Example' };
        const what = wanted ? 'suspend' : 'activate';
        const answer = await gate.post(`/api/decision/policies/${this.policy}/${what}`, body);
        expect(answer.status).toBe(200);
        this.suspended = wanted;
      }
    }
  }

  async #claim({ by: who, right: isRight }: { by: number; right: boolean }, now: number) {
    const { model } = this;
    const may =
      model.verdict === 'yes' &&
      !model.superseded &&
      !this.suspended &&
      !model.unbound &&
      !model.terminal &&
      model.bound < MAX_EXECUTIONS &&
      now <= model.endsAt &&
      isRight &&
      !live(model, now);
    const answer = await this.#post('/claim', claimed({ ...actOf(who, isRight), parameters: {} }));
    expect([answer.status, answer.body['proceed']]).toEqual(may ? [200, true] : [409, false]);
    if (!may) return;
    model.claims.push({ by: who, from: now, to: Math.min(now + CLAIM_MS, model.endsAt) });
    model.spent = false;
  }

  async #execute(
    { by: who, right: isRight, agoMs }: { by: number; right: boolean; agoMs: number },
    now: number,
  ) {
    const { model } = this;
    const instant = Math.max(model.madeAt, now - agoMs);
    const isCovered = live(model, instant, who);
    const isBound =
      model.verdict === 'yes' &&
      !model.superseded &&
      isRight &&
      instant <= model.endsAt &&
      model.bound < MAX_EXECUTIONS &&
      (this.policy === 'free_gate' || isCovered);
    const answer = await this.#post(
      '/execution',
      executed(this.record, {
        ...actOf(who, isRight),
        executed_at: new Date(instant).toISOString(),
      }),
    );
    expect([answer.status, at(answer.body, 'execution.action_binding_match')]).toEqual(
      isBound ? [201, true] : [409, false],
    );
    if (isCovered) model.spent = true;
    if (isBound) {
      model.bound += 1;
      model.undone = false;
    } else model.unbound = true;
    model.attempts += 1;
  }

  async #tell(
    { by: who, status }: { by: number; status: 'skipped' | 'failed' | 'blocked' },
    now: number,
  ) {
    const { model } = this;
    const may = status === 'blocked' || model.verdict === 'yes';
    const told = { ...actOf(who, true), execution_status: status, state_after_hash: undefined };
    const answer = await this.#post('/execution', executed(this.record, told));
    expect(answer.status).toBe(may ? 201 : 409);
    if (!may) return;
    if (status !== 'blocked' && live(model, now, who)) model.spent = true;
    model.attempts += 1;
  }

  async #revert(now: number) {
    const { model } = this;
    const expected =
      model.bound === 0 ? 422 : model.undone || stateOf(model, now) === 'closed' ? 409 : 201;
    const told = { ...actOf(0, true), execution_status: 'reverted' };
    const answer = await this.#post('/execution', executed(this.record, told));
    expect(answer.status).toBe(expected);
    if (expected !== 201) return;
    model.undone = true;
    model.reverted = true;
  }

  async #outcome({ status }: { status: 'succeeded' | 'failed' | 'pending' }, now: number) {
    const { model } = this;
    const state = stateOf(model, now);
    const expected =
      status === 'succeeded' && (model.verdict !== 'yes' || model.bound === 0)
        ? 422
        : status !== 'pending' && (state === 'in_review' || state === 'superseded')
          ? 409
          : 201;
    const told = outcome(this.record, { outcome_status: status, observed_metrics: undefined });
    const answer = await this.#post('/outcome', told);
    expect(answer.status).toBe(expected);
    if (expected === 201) model.terminal = status !== 'pending';
  }

  async #review(resolution: 'approve' | 'deny', now: number) {
    const root = this.models.get(this.root) ?? fail();
    const isOpen = stateOf(root, now) === 'in_review' && !this.suspended;
    const { model } = this;
    const isGiven = this.record !== this.root && !model.superseded;
    const isUsed = model.claims.length > 0 || model.attempts > 0;
    const isTakenBack = resolution === 'deny' && isGiven && !isUsed;
    const answer = await gate.post(pathOf(this.root, '/review'), {
      resolution,
      reviewer: { id: 'ada', group: 'owners' },
      reason: 'Seen it.',
      decision_record_hash: this.root['record_hash'],
      ...(resolution === 'approve' ? { satisfies: ['ok'] } : {}),
    });
    const child = at(answer.body, 'decision_record') as Members | undefined;
    if (!isOpen && !isTakenBack) {
      expect(answer.status).not.toBe(201);
      expect(child).toBeUndefined();
      return;
    }
    expect([answer.status, child?.['verdict']]).toEqual([
      201,
      resolution === 'approve' ? 'yes' : 'no',
    ]);
    if (isTakenBack) model.superseded = true;
    else root.superseded = true;
    if (child === undefined || resolution === 'deny') return;
    this.models.set(child, modelOf(child));
    this.record = child;
  }

  /** Every record stands where the model has it, and shows nothing that its verifier refuses. */
  async check(): Promise<void> {
    for (const [record, model] of this.models) {
      const { body } = await gate.get(pathOf(record));
      expect(body['lifecycle_state']).toBe(stateOf(model, Date.now()));
    }
  }

  async end(): Promise<void> {
    if (this.suspended) await this.apply({ kind: 'resume' });
    const { body } = await gate.get(pathOf(this.record, '/execution?limit=100'));
    const bound = listAt(body, 'items').filter(
      (one) => one['execution_status'] === 'executed' && one['action_binding_match'] === true,
    );
    expect(bound.length).toBeLessThanOrEqual(MAX_EXECUTIONS);
    for (const one of bound) {
      expect(Date.parse(String(one['executed_at']))).toBeLessThanOrEqual(this.model.endsAt);
    }
    const path = pathOf(this.record, '/packet?include_intelligence=false&include_input=true');
    const packet = await gate.get(path);
    const verified = await gate.post('/api/decision/verify', packet.body);
    expect([verified.body['verified'], verified.body['checks']]).toEqual([
      !this.model.unbound,
      expect.anything(),
    ]);
  }

  #post(rest: string, body: Members): Promise<Answer> {
    return gate.post(pathOf(this.record, rest), body);
  }
}

function modelOf(record: Members): Model {
  const ends = record['valid_until'] ?? at(record, 'route.due_at');
  return {
    verdict: record['verdict'],
    madeAt: Date.parse(String(record['created_at'])),
    endsAt: Date.parse(String(ends)),
    claims: [],
    spent: false,
    bound: 0,
    undone: false,
    reverted: false,
    unbound: false,
    attempts: 0,
    terminal: false,
    superseded: false,
  };
}

function actOf(who: number, isRight: boolean): Members {
  return {
    action_taken: 'act',
    mutation: 'discount.create',
    ...(isRight ? {} : { action_taken: 'another' }),
    executor: { type: 'worker', id: `worker-${who}` },
  };
}

function fail(): never {
  throw new Error('a run has no model');
}

it('whatever happens in whatever order, nothing is permitted that the rules do not permit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('free_gate', 'claim_gate'),
      fc.constantFrom(...BEGINNINGS),
      operations,
      async (policy, { ok, said }, list) => {
        const request = trial({ workflow: policy, ...(ok === undefined ? {} : { ok }) });
        const run = new Run(await gate.decide(request), policy);
        try {
          for (const operation of [...said.map((kind) => ({ kind })), ...list]) {
            await run.apply(operation);
            await run.check();
          }
        } finally {
          if (run.suspended) await run.apply({ kind: 'resume' });
        }
        await run.end();
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);
