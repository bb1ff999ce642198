import { fail, fieldError, ok, type Result } from '@countersign/contract';
import { readInstant } from '@countersign/policy';
import {
  CHAIN_STRATEGY,
  CHAIN_VERSION,
  chainIdOf,
  parseCheckpoint,
  parseNote,
  toHex,
} from '@countersign/proof';
import { stringify } from 'csv-stringify/sync';
import { readChainWindow, verifyWindow } from '../../service/chain.ts';
import { type Found, SELECTORS, search } from '../../service/search.ts';
import { type Call, type HandlersOf, json, principalOf, type Reply } from '../call.ts';
import type { DoorPorts } from './ports.ts';

const SEARCH_LIMIT = 50;
const CHAIN_LIMIT = 200;

/** Columns of a CSV answer, in this order. */
const COLUMNS = [
  'decision_id',
  'request_id',
  'record_hash',
  'receipt_hash',
  'verify_url',
  'replay_url',
  'policy_id',
  'policy_version',
  'verdict',
  'lifecycle_state',
  'created_at',
  'resource',
] as const satisfies readonly (keyof Found)[];

/** Finding decisions, and the audit chain of a tenant. */
export function searchHandlers(ports: DoorPorts): HandlersOf<'search' | 'decisionChain'> {
  const { reader, origin } = ports;

  return {
    search: async (call) => {
      const { query } = call;
      const [selector, ...others] = SELECTORS.filter((name) => query[name] !== undefined);
      if (selector === undefined || others.length > 0) {
        // Which of them is meant only the caller knows.
        const wrong = selector === undefined ? SELECTORS : [selector, ...others];
        return fail({
          code: 'DECIDE_API_INVALID_QUERY',
          fields: wrong.map((name) =>
            fieldError(`/${name}`, selector === undefined ? 'required' : 'invalid_value'),
          ),
        });
      }
      const from = instantIn(call, 'from');
      if (!from.ok) return from;
      const to = instantIn(call, 'to');
      if (!to.ok) return to;
      const found = await search(
        reader,
        principalOf(call).tenant,
        {
          selector,
          value: String(query[selector]),
          from: from.value,
          to: to.value,
          limit: Number(query['limit'] ?? SEARCH_LIMIT),
        },
        ports.ambient.now(),
      );
      if (query['format'] === 'csv') return ok(csv(found));
      return ok(json({ ok: true, count: found.length, items: found }));
    },

    decisionChain: async (call) => {
      const { tenant } = principalOf(call);
      const chainId = chainIdOf(tenant);
      if (call.params['chain_id'] !== chainId) return fail({ code: 'DECIDE_CHAIN_NOT_FOUND' });
      const { size, checkpoint: note } = await reader.readHead();
      const limit = Number(call.query['limit'] ?? CHAIN_LIMIT);
      const window = await readChainWindow(reader, tenant, size, limit);
      if (window.head.position === 0) return fail({ code: 'DECIDE_CHAIN_NOT_FOUND' });
      const checkpoint = readNote(note ?? '');
      if (checkpoint === undefined) return fail({ code: 'DECIDE_STORAGE_UNAVAILABLE' });
      return ok(
        json({
          ok: true,
          decision_chain_version: CHAIN_VERSION,
          chain_id: chainId,
          chain_size: window.head.position,
          merkle_root: window.head.merkleRoot,
          head_link_hash: window.head.linkHash,
          merkle_strategy: CHAIN_STRATEGY,
          retained_links: window.links,
          verification: verifyWindow(window),
          ledger: {
            origin,
            tree_size: checkpoint.size,
            root_hash: toHex(checkpoint.root),
          },
        }),
      );
    },
  };
}

/** An instant among the query parameters, in Unix milliseconds. */
function instantIn(call: Call, name: 'from' | 'to'): Result<number | undefined> {
  const text = call.query[name];
  if (text === undefined) return ok(undefined);
  const instant = typeof text === 'string' ? readInstant(text) : undefined;
  if (instant !== undefined) return ok(instant);
  return fail({
    code: 'DECIDE_API_INVALID_QUERY',
    fields: [fieldError(`/${name}`, 'invalid_value')],
  });
}

/** A table for people. A cell that a spreadsheet would take for a formula is marked as text. */
function csv(found: readonly Found[]): Reply {
  return {
    text: stringify(found.slice(), { header: true, columns: [...COLUMNS], escape_formulas: true }),
    contentType: 'text/csv; charset=utf-8',
    headers: { 'content-disposition': 'attachment; filename="decisions.csv"' },
  };
}

function readNote(note: string): ReturnType<typeof parseCheckpoint> {
  const parsed = parseNote(note);
  return parsed.ok ? parseCheckpoint(parsed.value.text) : undefined;
}
