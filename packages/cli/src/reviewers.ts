import { readFileSync } from 'node:fs';
import { publicKeyFromPem } from '@countersign/proof';
import { enrolReviewer, openSqlite, readReviewers, removeReviewer } from '@countersign/server';
import type { Command } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { existing } from './own-ledger.ts';

interface Options {
  readonly data: string;
  readonly tenant: string;
}

export function addReviewers(program: Command): void {
  const reviewers = program
    .command('reviewers')
    .description('People who may resolve reviews; once one is enrolled, nobody else may');

  withTenant(reviewers.command('add').description('Enrol a reviewer with the key they sign with'))
    .requiredOption('--id <id>', 'who it is, as reviews name this person')
    .requiredOption('--group <name...>', 'groups this person may speak for')
    .requiredOption('--public-key <file>', 'Ed25519 public key, PEM')
    .action(
      async (
        options: Options & {
          readonly id: string;
          readonly group: readonly string[];
          readonly publicKey: string;
        },
      ) => {
        const publicKey = publicKeyFromPem(readFileSync(options.publicKey, 'utf8'));
        if (publicKey === undefined) {
          throw new Error(`${options.publicKey} is not the PEM of an Ed25519 public key`);
        }
        const { tenant, id, group: groups } = options;
        const enrolled = await withStore(options, (store) =>
          enrolReviewer(store, tenant, { id, groups, publicKey }),
        );
        process.stdout.write(`${enrolled.key_id}\n`);
      },
    );

  withTenant(reviewers.command('list').description('List enrolled reviewers')).action(
    async (options: Options) => {
      const known = await withStore(options, (store) => readReviewers(store, options.tenant));
      for (const { key_id: keyId, id, groups } of known) {
        process.stdout.write(`${keyId}  ${id}  ${pc.dim(groups.join(','))}\n`);
      }
    },
  );

  withTenant(reviewers.command('remove').description('Take the keys of a reviewer away'))
    .requiredOption('--id <id>', 'who it is')
    .action(async (options: Options & { readonly id: string }) => {
      const left = await withStore(options, async (store) => {
        const removed = await removeReviewer(store, options.tenant, options.id);
        if (removed === 0) throw new Error(`there is no reviewer ${options.id}`);
        return (await readReviewers(store, options.tenant)).length;
      });
      process.stdout.write(`${options.id} is no reviewer any more\n`);
      if (left === 0) {
        process.stderr.write(
          pc.yellow(
            'Nobody is enrolled now: reviewers are whom the holders of review keys name.\n',
          ),
        );
      }
    });
}

function withTenant(command: Command): Command {
  return withData(command).requiredOption('--tenant <name>', 'tenant that the reviews belong to');
}

async function withStore<Value>(
  { data }: Options,
  use: (store: ReturnType<typeof openSqlite>) => Promise<Value>,
): Promise<Value> {
  const store = openSqlite(existing(data).database);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
