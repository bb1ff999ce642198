import { readFileSync } from 'node:fs';
import { publicKeyFromPem, publicKeyPem, sha256Hex } from '@countersign/proof';
import {
  type Draft,
  listSourceKeys,
  SOURCE_NOTICE_MS,
  sourceAddedDraft,
  sourceEndedDraft,
} from '@countersign/server';
import type { Command } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { withLedger } from './own-ledger.ts';

interface Options {
  readonly data: string;
  readonly tenant: string;
}

interface KeyOptions extends Options {
  readonly sourceId: string;
  readonly keyId: string;
}

/** Keys of sources stand in the ledger: a running server reads them there, and they are never taken away. */
export function addSources(program: Command): void {
  const sources = program
    .command('sources')
    .description('Systems whose signed claims lift a context value to `attested`');

  withKey(sources.command('add').description('Register a key of a source'))
    .requiredOption('--public-key <file>', 'Ed25519 public key, PEM')
    .action(async (options: KeyOptions & { readonly publicKey: string }) => {
      const publicKey = publicKeyFromPem(readFileSync(options.publicKey, 'utf8'));
      if (publicKey === undefined) {
        throw new Error(`${options.publicKey} is not the PEM of an Ed25519 public key`);
      }
      const { tenant, sourceId, keyId } = options;
      if (await change(options, (now) => sourceAddedDraft(tenant, options, publicKey, now))) return;
      throw new Error(`${sourceId} has had a key ${keyId}: a name is never given again`);
    });

  withTenant(sources.command('list').description('List the keys of sources')).action(
    async ({ data, tenant }: Options) => {
      const known = await withLedger(data, ({ store }) => listSourceKeys(store, tenant));
      for (const { sourceId, keyId, publicKey, notBefore, endedAt } of known) {
        const state = endedAt === undefined ? pc.green('added') : pc.yellow('ended');
        const from = new Date(notBefore).toISOString();
        const until = endedAt === undefined ? '' : ` until ${new Date(endedAt).toISOString()}`;
        const fingerprint = sha256Hex(publicKeyPem(publicKey)).slice(0, 16);
        process.stdout.write(
          `${sourceId}  ${keyId}  ${state}  from ${from}${until}  ${pc.dim(fingerprint)}\n`,
        );
      }
    },
  );

  withKey(
    sources.command('end').description('End a key of a source; what it confirmed before stays'),
  ).action(async (options: KeyOptions) => {
    const { tenant, sourceId, keyId } = options;
    if (await change(options, (now) => sourceEndedDraft(tenant, options, now))) return;
    throw new Error(`${sourceId} has no key ${keyId} that has not ended`);
  });
}

/** Records a change, unless the key's history does not allow it. */
async function change({ data }: Options, draftAt: (now: number) => Draft): Promise<boolean> {
  return withLedger(data, async ({ append }) => {
    const now = Date.now();
    if (!(await append(draftAt(now)))) return false;
    const counts = now + SOURCE_NOTICE_MS;
    // Decisions of this moment were judged without it, and are judged with it when they are replayed.
    if (Date.now() >= counts)
      throw new Error('recorded, but later than it counts: the disk is slow');
    process.stdout.write(`counts from ${new Date(counts).toISOString()}\n`);
    return true;
  });
}

function withKey(command: Command): Command {
  return withTenant(command)
    .requiredOption('--source-id <name>', 'the source, as its attestations name it')
    .requiredOption('--key-id <name>', 'the key, as its attestations name it');
}

function withTenant(command: Command): Command {
  return withData(command).requiredOption('--tenant <name>', 'tenant that the decisions belong to');
}
