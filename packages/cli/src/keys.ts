import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@countersign/proof';
import {
  dataPaths,
  type KeyScope,
  newId,
  openKeyring,
  openSqlite,
  renderRegistry,
  verifierKey,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import pc from 'picocolors';

const SCOPES: readonly KeyScope[] = ['decide', 'lifecycle', 'read', 'packet'];

interface CreateOptions {
  readonly data: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: string;
  readonly label: string;
  readonly days?: string;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys, and the keys that sign');

  withData(
    keys.command('list').description('List API keys; the keys themselves are not stored'),
  ).action(async ({ data }: { data: string }) => {
    const store = openSqlite(dataPaths(data).database);
    const known = await store.listApiKeys();
    await store.close();
    for (const key of known) {
      const state = key.state === 'active' ? pc.green(key.state) : pc.yellow(key.state);
      process.stdout.write(
        `${key.id}  ${state}  ${key.environment}  ${key.tenant}  ${key.scopes.join(',')}  ${pc.dim(key.label)}\n`,
      );
    }
  });

  withData(keys.command('create').description('Make an API key and show it once'))
    .requiredOption('--tenant <name>', 'tenant that the key belongs to')
    .addOption(
      new Option('--environment <name>', 'environment of the server')
        .choices(['test', 'live'])
        .default('test'),
    )
    .option('--scopes <list>', 'what the key may do', SCOPES.join(','))
    .option('--label <text>', 'a note for people', '')
    .option('--days <n>', 'days after which the key expires')
    .action(async (options: CreateOptions) => {
      const scopes = options.scopes.split(',').map((scope) => scope.trim());
      const unknown = scopes.filter((scope) => !SCOPES.some((known) => known === scope));
      if (unknown.length > 0) throw new Error(`unknown scope ${unknown.join(', ')}`);
      if (!/^[a-z][a-z0-9_-]{0,63}$/.test(options.tenant)) {
        throw new Error('a tenant is 1 to 64 of a–z 0–9 _ -, a letter first');
      }
      const days = options.days === undefined ? undefined : Number(options.days);
      if (days !== undefined && !(days > 0 && days <= 3650)) throw new Error('--days is 1 to 3650');
      const key = `decide_${options.environment}_${randomBytes(32).toString('base64url')}`;
      const now = Date.now();
      const store = openSqlite(dataPaths(options.data).database);
      await store.addApiKey({
        hash: sha256Hex(key),
        id: newId('key_', now),
        tenant: options.tenant,
        environment: options.environment,
        scopes: SCOPES.filter((scope) => scopes.includes(scope)),
        state: 'active',
        label: options.label,
        createdAt: new Date(now).toISOString(),
        expiresAt: days === undefined ? undefined : new Date(now + days * 86_400_000).toISOString(),
      });
      await store.close();
      process.stdout.write(`${key}\n`);
      process.stderr.write(
        pc.dim(
          'Shown once. A running server accepts it now; policies reach a new tenant at its next start.\n',
        ),
      );
    });

  withData(keys.command('revoke').description('Revoke an API key at once'))
    .argument('<id>', 'the key’s id, as `keys list` shows it')
    .action(async (id: string, { data }: { data: string }) => {
      const store = openSqlite(dataPaths(data).database);
      const revoked = await store.revokeApiKey(id);
      await store.close();
      if (!revoked) throw new Error(`there is no key ${id}`);
      process.stdout.write(`${id} is revoked\n`);
    });

  withData(
    keys.command('registry').description('Print the public key registry for offline verifiers'),
  ).action(({ data }: { data: string }) => {
    const keyring = openKeyring(dataPaths(data).keys, Date.now);
    process.stdout.write(`${JSON.stringify(renderRegistry(keyring), undefined, 2)}\n`);
  });

  withData(
    keys.command('ledger').description('Print the ledger’s verifier key (C2SP signed note)'),
  ).action(({ data }: { data: string }) => {
    const { origin, checkpoints } = openKeyring(dataPaths(data).keys, Date.now);
    process.stdout.write(`${verifierKey(origin, checkpoints.publicKey)}\n`);
  });
}

export function withData(command: Command): Command {
  return command.addOption(
    new Option('--data <directory>', 'directory of the ledger and the keys')
      .env('COUNTERSIGN_DATA')
      .default('./data'),
  );
}
