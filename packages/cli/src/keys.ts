import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@countersign/proof';
import {
  activateKey,
  announceKey,
  dataPaths,
  KEY_RESTRICTIONS,
  KEY_SCOPES,
  type KeyRestriction,
  missingKeyEvents,
  NOTICE_MS,
  newId,
  openSqlite,
  ROTATABLE,
  type RotatableUse,
  revokeKey,
  URGENT_NOTICE_MS,
  verifierKey,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { existing, existingKeyring, withLedger } from './own-ledger.ts';

/** Scopes of a key that nobody names any for. */
const USUAL_SCOPES = ['decide', 'lifecycle', 'read', 'packet'] as const;

interface CreateOptions {
  readonly data: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: string;
  readonly label: string;
  readonly days?: string;
  readonly executorOnly?: boolean;
  readonly requesterOnly?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys, and the keys that sign');

  withData(
    keys.command('list').description('List API keys; the keys themselves are not stored'),
  ).action(async ({ data }: { data: string }) => {
    const store = openSqlite(existing(data).database);
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
    .option('--scopes <list>', `some of ${KEY_SCOPES.join(', ')}`, USUAL_SCOPES.join(','))
    .option('--executor-only', 'the key reports what was executed and never decides')
    .addOption(
      new Option('--requester-only', 'the key decides and never reports').conflicts('executorOnly'),
    )
    .option('--label <text>', 'a note for people', '')
    .option('--days <n>', 'days after which the key expires')
    .action(async (options: CreateOptions) => {
      const named = options.scopes.split(',').map((scope) => scope.trim());
      const unknown = named.filter((scope) => !KEY_SCOPES.some((known) => known === scope));
      if (unknown.length > 0) throw new Error(`unknown scope ${unknown.join(', ')}`);
      const restriction = restrictionOf(options);
      const withheld = { executor_only: 'decide', requester_only: 'lifecycle' } as const;
      const scopes = named.filter(
        (scope) => restriction === undefined || scope !== withheld[restriction],
      );
      if (
        options.environment === 'live' &&
        scopes.includes('decide') &&
        (scopes.includes('policy') || scopes.includes('review'))
      ) {
        throw new Error('a live key that decides may not hold policy or review');
      }
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
        scopes: KEY_SCOPES.filter((scope) => scopes.includes(scope)),
        restriction,
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
      const store = openSqlite(existing(data).database);
      const revoked = await store.revokeApiKey(id);
      await store.close();
      if (!revoked) throw new Error(`there is no key ${id}`);
      process.stdout.write(`${id} is revoked\n`);
    });

  addRotation(keys);

  withData(
    keys.command('registry').description('Print the public key registry for offline verifiers'),
  ).action(({ data }: { data: string }) => {
    const keyring = existingKeyring(data);
    process.stdout.write(`${JSON.stringify(keyring.registry(), undefined, 2)}\n`);
  });

  withData(
    keys.command('ledger').description('Print the ledger’s verifier key (C2SP signed note)'),
  ).action(({ data }: { data: string }) => {
    const { origin, checkpoints } = existingKeyring(data);
    process.stdout.write(`${verifierKey(origin, checkpoints.publicKey)}\n`);
  });
}

/** Commands over the keys that sign: a running server follows within a second. */
function addRotation(keys: Command): void {
  const use = (): Option =>
    new Option('--use <name>', 'what the key signs').choices(ROTATABLE).default(ROTATABLE[0]);
  interface RotateOptions {
    readonly data: string;
    readonly use: RotatableUse;
    readonly now?: boolean;
  }

  withData(
    keys
      .command('rotate')
      .description('Announce a new signing key; it signs in 24 hours')
      .addOption(use())
      .option('--now', 'it signs in a few seconds: for emergencies'),
  ).action(({ data, use: of, now }: RotateOptions) =>
    changeKeys(data, (directory) => {
      const at = Date.now() + (now === true ? URGENT_NOTICE_MS : NOTICE_MS);
      const next = announceKey(directory, of, Date.now(), at);
      return `${next.key_id} signs from ${next.not_before}`;
    }),
  );

  withData(
    keys
      .command('activate')
      .description('Let an announced signing key sign in a few seconds')
      .addOption(use()),
  ).action(({ data, use: of }: RotateOptions) =>
    changeKeys(data, (directory) => {
      const next = activateKey(directory, of, Date.now(), Date.now() + URGENT_NOTICE_MS);
      return `${next.key_id} signs from ${next.not_before}`;
    }),
  );

  withData(
    keys
      .command('revoke-signing')
      .description('Revoke a signing key; one that signs is replaced first')
      .argument('<key_id>', 'as the registry shows it')
      .option('--at <time>', 'since when it is not trusted (RFC 3339); default: from now on'),
  ).action((keyId: string, { data, at }: { data: string; at?: string }) =>
    changeKeys(data, (directory) => {
      const from = at === undefined ? undefined : Date.parse(at);
      if (Number.isNaN(from)) throw new Error('--at is a time as in 2030-01-31T12:00:00Z');
      const { revokedAt, successor } = revokeKey(directory, keyId, Date.now(), from);
      return `${keyId} is revoked at ${revokedAt}${successor === undefined ? '' : `; ${successor} takes over`}`;
    }),
  );
}

/** Changes the keys of a ledger and records the steps that are due; a server records those that come later. */
async function changeKeys(data: string, change: (directory: string) => string): Promise<void> {
  const said = await withLedger(data, async ({ keyDirectory, keyring, store, append }) => {
    const text = change(keyDirectory);
    keyring.refresh();
    for (const draft of await missingKeyEvents(keyring, store, Date.now())) {
      if (!(await append(draft))) throw new Error('the change could not be recorded');
    }
    return text;
  });
  process.stdout.write(`${said}\n`);
}

function restrictionOf(options: CreateOptions): KeyRestriction | undefined {
  const [executor, requester] = KEY_RESTRICTIONS;
  if (options.executorOnly === true) return executor;
  return options.requesterOnly === true ? requester : undefined;
}

export function withData(command: Command): Command {
  return command.addOption(
    new Option('--data <directory>', 'directory of the ledger and the keys')
      .env('COUNTERSIGN_DATA')
      .default('./data'),
  );
}
