import { readFileSync } from 'node:fs';
import { canonicalJson } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import type { Members } from '../harness.ts';
import { sharedDoor } from './door.ts';

interface Example {
  readonly row: string;
  readonly name: string;
  readonly request: Members;
  /** What of the decision does not change with time and place. */
  readonly decision: Members;
}

const examples = JSON.parse(
  readFileSync(
    new URL('../../../../vectors/communication/worked-examples.json', import.meta.url),
    'utf8',
  ),
) as readonly Example[];

const door = sharedDoor();

describe('the worked examples', () => {
  it.each(examples)('$row come out to the byte: $name', async ({ request, decision }) => {
    const made = await door.decide(request);
    const shown = Object.fromEntries(Object.keys(decision).map((name) => [name, made[name]]));
    expect(canonicalJson(shown)).toBe(canonicalJson(decision));
    // Members stand in the order of the published examples as well.
    const order = Object.keys(made).filter((name) => name in decision);
    expect(order).toEqual(Object.keys(decision));
  });
});
