import { readFileSync } from 'node:fs';
import { communication, type Json, type Truth } from '@countersign/policy';
import fc from 'fast-check';

const document = new URL('../../../server/governance/genius.communication.json', import.meta.url);

/** The policy document that is delivered, parsed as JSON. */
export const source = JSON.parse(readFileSync(document, 'utf8')) as Record<string, Json>;

/** The policy that is delivered. */
export const policy = parsed(source);

export function parsed(json: Json): communication.CommunicationPolicy {
  const read = communication.parseCommunicationPolicy(json);
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return read.value;
}

/** Conditions of which only some are given: guards and actions are absent, content is whole, nothing is proven. */
export function conditions(given: Readonly<Record<string, Truth>>): ReadonlyMap<string, Truth> {
  const all = new Map<string, Truth>();
  for (const name of policy.names) {
    if (name.startsWith('i.')) all.set(name, 'true');
    else all.set(name, name.startsWith('c.') ? 'unknown' : 'false');
  }
  for (const [name, value] of Object.entries(given)) {
    if (!all.has(name)) throw new Error(`no condition is called ${name}`);
    all.set(name, value);
  }
  return all;
}

export const truths = ['true', 'false', 'unknown'] as const;

/** Any truth for any condition; some conditions are missing. */
export const anyConditions: fc.Arbitrary<ReadonlyMap<string, Truth>> = fc
  .array(fc.option(fc.constantFrom(...truths), { freq: 12 }), {
    minLength: policy.names.length,
    maxLength: policy.names.length,
  })
  .map((values) => {
    const map = new Map<string, Truth>();
    for (const [i, name] of policy.names.entries()) {
      const value = values[i];
      if (value != null) map.set(name, value);
    }
    return map;
  });

/** Conditions that are mostly harmless, so that open gates are met as well. */
export const calmConditions: fc.Arbitrary<ReadonlyMap<string, Truth>> = fc
  .dictionary(fc.constantFrom(...policy.names), fc.constantFrom(...truths), { maxKeys: 4 })
  .map((given) => conditions(given));
