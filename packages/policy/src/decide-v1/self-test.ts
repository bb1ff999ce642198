import { readInstant } from '../instant.ts';
import { sameJson } from '../json.ts';
import { assess } from './assess.ts';
import type { PolicyDocument } from './compile.ts';
import type { AttestedClaim } from './facts.ts';
import type { Answer, SelfTest } from './members.ts';
import { pathOf, valueAt } from './path.ts';

export type SelfTestResult = {
  readonly name: string;
  readonly passed: boolean;
  readonly expected: SelfTest['expect'];
  readonly actual: { readonly verdict: Answer; readonly evidence: readonly string[] };
};

/**
 * Runs the cases that a document brings along, each as a request to the active policy. `evidence`
 * is compared, with its order, where the case states it.
 */
export function runSelfTests(document: PolicyDocument): readonly SelfTestResult[] {
  return document.selfTests.map((test) => {
    const { verdict, evidence } = runSelfTest(document, test);
    const { verdict: wanted, evidence: codes } = test.expect;
    const passed = verdict === wanted && (codes === undefined || sameJson(codes, evidence));
    return { name: test.name, passed, expected: test.expect, actual: { verdict, evidence } };
  });
}

function runSelfTest(document: PolicyDocument, test: SelfTest): SelfTestResult['actual'] {
  const at = readInstant(test.at ?? '') ?? STANDARD_INSTANT;
  const attested = new Map<string, AttestedClaim>();
  for (const path of test.attested ?? []) {
    const value = valueAt(test.context, pathOf(path));
    if (value !== undefined) attested.set(path, { value, observedAt: at });
  }
  return assess(document, {
    context: test.context,
    at,
    standing: 'active',
    approvals: test.approvals ?? [],
    attested,
  });
}

/** 2026-01-01T00:00:00.000Z in Unix milliseconds. */
const STANDARD_INSTANT = 1_767_225_600_000;
