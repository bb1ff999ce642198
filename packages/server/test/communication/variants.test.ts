import { readFileSync } from 'node:fs';
import type { Communication } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { judgeCommunication } from '../../src/service/communication/judge.ts';
import { governance } from './messages.ts';

interface Variants {
  readonly name: string;
  /** Rules with their contributions, strictest first. */
  readonly reasons: readonly string[];
  readonly requests: readonly Omit<Communication, 'proposed_action'>[];
}

const variants = JSON.parse(
  readFileSync(new URL('../../../../vectors/communication/variants.json', import.meta.url), 'utf8'),
) as readonly Variants[];

const cases = variants.flatMap(({ name, reasons, requests }) =>
  requests.map((request, at) => ({ title: `${name} ${at + 1}`, reasons, request })),
);

describe('the situations of the worked examples in other words', () => {
  it.each(cases)('$title has the same reasons', ({ reasons, request }) => {
    const communication: Communication = { proposed_action: { action_type: 'reply' }, ...request };
    const { composed } = judgeCommunication(communication, governance, {
      controls: new Map(),
      demonstration: false,
    });
    const found = composed.reasons.map(
      ({ rule_id: rule, contribution }) => `${rule} ${contribution}`,
    );
    expect(found).toEqual(reasons);
  });
});
