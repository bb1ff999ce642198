import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Answer,
  type Asked,
  assess,
  isList,
  type Json,
  type JsonObject,
  type PolicyDocument,
  standingOf,
} from '@countersign/policy';
import { askedOf } from './asked.ts';
import type { Ports } from './decide.ts';
import { readInputValue, subjectOf } from './history.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { StoredEntry } from './ports.ts';

/** What a version would have answered to what was asked before. */
export interface Preview {
  readonly policy_id: string;
  readonly version: string;
  readonly from: string;
  readonly to: string;
  /** Decisions that were judged anew. */
  readonly decisions: number;
  readonly skipped: { readonly erased: number; readonly other_evaluator: number };
  readonly shifts: Readonly<Record<Shift | 'unchanged', number>>;
  /** Newest decisions for each shift towards `yes`. */
  readonly examples: readonly { readonly shift: Shift; readonly decision_id: string }[];
}

const SHIFTS = [
  'yes_to_no',
  'yes_to_review',
  'no_to_yes',
  'no_to_review',
  'review_to_yes',
  'review_to_no',
] as const;
type Shift = (typeof SHIFTS)[number];

const EXAMPLES_MAX = 20;
/** Decisions read at once; other requests are served between them. */
const PAGE = 100;
const DAY_MS = 86_400_000;

/**
 * Judges the policy's newest decisions anew by another version of it: on the kept inputs, at the recorded times,
 * without what owners said; `limit` bounds how many are looked at. Left out are resolutions, whose request is counted where it was first judged, and what
 * was answered while the policy was suspended, which was no answer of its rules.
 */
export async function previewOf(
  ports: Ports,
  tenant: string,
  document: PolicyDocument,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<Preview> {
  const { policyId, version } = document;
  const now = ports.ambient.now();
  const from = new Date(now - days * DAY_MS).toISOString();
  const shifts: Record<Shift | 'unchanged', number> = {
    ...(Object.fromEntries(SHIFTS.map((shift) => [shift, 0])) as Record<Shift, number>),
    unchanged: 0,
  };
  const skipped = { erased: 0, other_evaluator: 0 };
  const examples: { readonly shift: Shift; readonly decision_id: string }[] = [];
  let decisions = 0;
  let looked = 0;
  for await (const entry of decisionsOf(ports, tenant, policyId, from)) {
    if (looked === limit) break;
    looked += 1;
    const before = subjectOf(entry);
    if (before['evaluator_version'] !== EVALUATOR_VERSION) {
      skipped.other_evaluator += 1;
      continue;
    }
    const evidence = (before['evidence'] ?? []) as Json;
    const suspended = isList(evidence) && standingOf(evidence) === 'suspended';
    if (before['parent_decision_id'] !== undefined || suspended) continue;
    const input = (await readInputValue(ports.reader, entry.seq)) as
      | { readonly context: JsonObject }
      | undefined;
    if (input === undefined) {
      skipped.erased += 1;
      continue;
    }
    decisions += 1;
    const at = Date.parse(String(before['created_at']));
    const asked = await askedOf(ports, tenant, { context: input.context, at, standing: 'active' });
    const after = answerOf(document, asked);
    const shift = SHIFTS.find((one) => one === `${String(before['verdict'])}_to_${after}`);
    shifts[shift ?? 'unchanged'] += 1;
    if (shift === undefined || after !== 'yes') continue;
    if (examples.filter((one) => one.shift === shift).length < EXAMPLES_MAX) {
      examples.push({ shift, decision_id: entry.decisionId });
    }
  }
  const to = new Date(now).toISOString();
  return { policy_id: policyId, version, from, to, decisions, skipped, shifts, examples };
}

/** How many earlier answers would become `yes`. */
export function gained({ shifts }: Preview): number {
  return shifts.no_to_yes + shifts.review_to_yes;
}

function answerOf(document: PolicyDocument, asked: Asked): Answer {
  const { workflow } = asked.context;
  // Nobody would answer for a workflow that the version gives up.
  if (typeof workflow !== 'string' || !document.workflows.includes(workflow)) return 'review';
  return assess(document, asked).verdict;
}

/** A policy's decisions since an instant, newest first. */
async function* decisionsOf(
  { reader }: Ports,
  tenant: string,
  policyId: string,
  from: string,
): AsyncGenerator<StoredEntry> {
  let before: number | undefined;
  for (;;) {
    const handle = { kind: 'policy', value: policyId } as const;
    const page = await reader.readByHandle(tenant, handle, PAGE, before);
    for (const entry of page) {
      if (entry.createdAt < from) return;
      if (entry.entryType === 'decision') yield entry;
    }
    before = page.at(-1)?.seq;
    if (page.length < PAGE) return;
    await nextTurn();
  }
}
