import { parseLedgerKey, parsePublicKey, parseRegistry, type Trust } from '../src/index.ts';
import { type Json, ledgerKeyEntry, OURS, registryKey, vectors } from './example.ts';

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('this should be there');
  return value;
}

/** Trust in a pinned receipt key and a pinned ledger key. */
export const PINNED: Trust = {
  publicKey: must(parsePublicKey(OURS.pem)),
  ledgerKey: must(parseLedgerKey(vectors.ledger.verifier_key)),
};

/** Trust in a registry snapshot and nothing else. */
export function registryTrust(registry: Json, environment?: Trust['environment']): Trust {
  const parsed = parseRegistry(registry);
  if (!parsed.ok) throw new Error(`registry refused: ${parsed.fault.code}`);
  return { registry: parsed.value, environment };
}

export const REGISTRY: Json = {
  ok: true,
  active_key_id: OURS.keyId,
  key_history_count: 1,
  keys: [registryKey(OURS)],
  revoked_keys: [],
  ledger_keys: [ledgerKeyEntry()],
};
