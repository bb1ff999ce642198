import { fail, ok } from '@countersign/contract';
import { consistencyNodes, proveConsistency, renderTlogProof, toHex } from '@countersign/proof';
import type { LedgerReader } from '../../service/ports.ts';
import { prefetch, readEntryText, readInclusion } from '../../service/recorded.ts';
import { type Handler, json } from '../call.ts';

type LedgerOperation = 'ledgerCheckpoint' | 'ledgerInclusion' | 'ledgerConsistency';

/** Handlers of the public ledger: checkpoints and proofs, which hold hashes only. */
export function ledgerHandlers({
  reader,
  origin,
}: {
  readonly reader: LedgerReader;
  readonly origin: string;
}): Record<LedgerOperation, Handler> {
  return {
    ledgerCheckpoint: async ({ query }) => {
      const asked = typeof query['size'] === 'number' ? query['size'] : undefined;
      const found = await reader.readCheckpoint(asked ?? (await reader.readHead()).size);
      if (found === undefined || (asked !== undefined && found.size !== asked)) {
        return fail({ code: 'DECIDE_CHECKPOINT_NOT_FOUND' });
      }
      return ok(json({ ok: true, origin, tree_size: found.size, checkpoint: found.note }));
    },

    ledgerInclusion: async ({ query }) => {
      const seq = Number(query['seq']);
      const head = await reader.readHead();
      const checkpoint = await reader.readCheckpoint(Number(query['size'] ?? head.size));
      const entry = await reader.readEntry(seq);
      if (checkpoint === undefined || entry === undefined || seq >= checkpoint.size) {
        return fail({ code: 'DECIDE_CHECKPOINT_NOT_FOUND' });
      }
      const proof = await readInclusion(reader, seq, checkpoint.size);
      if (query['format'] === 'tlog-proof') {
        const path = proof.map((hash) => new Uint8Array(Buffer.from(hash, 'hex')));
        return ok({
          text: renderTlogProof({ index: seq, path, checkpoint: checkpoint.note }),
          contentType: 'text/plain; charset=utf-8',
        });
      }
      return ok(
        json({
          ok: true,
          entry: JSON.parse(await readEntryText(reader, entry)) as unknown,
          leaf_index: seq,
          tree_size: checkpoint.size,
          proof,
          checkpoint: checkpoint.note,
        }),
      );
    },

    ledgerConsistency: async ({ query }) => {
      const [first, second] = [Number(query['first']), Number(query['second'])];
      const older = await reader.readCheckpoint(first);
      const newer = await reader.readCheckpoint(second);
      if (older?.size !== first || newer?.size !== second || first > second) {
        return fail({ code: 'DECIDE_CHECKPOINT_NOT_FOUND' });
      }
      const read = await prefetch(reader, consistencyNodes(first, second));
      return ok(
        json({
          ok: true,
          first,
          second,
          proof: proveConsistency(first, second, read).map(toHex),
          first_checkpoint: older.note,
          second_checkpoint: newer.note,
        }),
      );
    },
  };
}
