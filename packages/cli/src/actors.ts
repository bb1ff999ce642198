import { randomBytes } from 'node:crypto';
import {
  ACTOR_SCOPES,
  type ActorToken,
  dataPaths,
  newId,
  openActors,
  openTenantSecrets,
  paymentDigest,
  paymentKeyOf,
  tokenDigest,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { existing } from './own-ledger.ts';

/** Scopes of an actor that nobody names any for. */
const USUAL_SCOPES = ['decision:create', 'decision:read', 'proof:read'] as const;
const ACTOR_ID = /^[A-Za-z0-9_.:@-]{1,128}$/;

interface CreateOptions {
  readonly data: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: string;
  readonly label: string;
  readonly days?: string;
}

/** Commands over who may call the communication door. */
export function addActors(program: Command): void {
  const actors = program.command('actors').description('Who may call the communication door');

  withData(
    actors.command('list').description('List actors’ tokens; the tokens themselves are not stored'),
  ).action(async ({ data }: { data: string }) => {
    const store = openActors(existing(data).database);
    const known = await store.listActorTokens();
    store.close();
    for (const token of known) {
      const { state } = token;
      const used = token.usedAt === undefined ? 'never used' : `used ${token.usedAt}`;
      process.stdout.write(
        `${token.id}  ${state === 'active' ? pc.green(state) : pc.yellow(state)}  ${token.environment}  ${token.tenant}  ` +
          `${token.actorId}  ${token.scopes.join(',')}  ${used}  ${pc.dim(token.label)}\n`,
      );
    }
  });

  withData(
    actors
      .command('create')
      .description('Make a token and show it once; an actor may have two while they are exchanged'),
  )
    .argument('<actor_id>', '1 to 128 of A–Z a–z 0–9 _ . : @ -')
    .requiredOption('--tenant <name>', 'tenant that the actor belongs to')
    .addOption(
      new Option('--environment <name>', 'environment of the server')
        .choices(['test', 'live'])
        .default('test'),
    )
    .option('--scopes <list>', `some of ${ACTOR_SCOPES.join(', ')}`, USUAL_SCOPES.join(','))
    .option('--label <text>', 'a note for people', '')
    .option('--days <n>', 'days after which the token expires')
    .action(create);

  for (const [name, state, what] of [
    ['suspend', 'suspended', 'Refuse a token until it is resumed'],
    ['resume', 'active', 'End a suspension'],
    ['revoke', 'revoked', 'Refuse a token for good'],
  ] as const) {
    withData(actors.command(name).description(what))
      .argument('<id>', 'the token’s id, as `actors list` shows it')
      .action((id: string, { data }: { data: string }) => change(data, id, state));
  }

  withData(
    actors
      .command('payment-digest')
      .description('The digest of an account for `context.known_payment_digests`'),
  )
    .argument('<account>', 'IBAN, account with sort code, or address; spaces do not matter')
    .requiredOption('--tenant <name>', 'whose list it is for')
    .action((account: string, { data, tenant }: { data: string; tenant: string }) => {
      const secrets = openTenantSecrets(dataPaths(existing(data) && data).keys, Date.now);
      const identifier = account.replace(/[\s-]/g, '').toUpperCase();
      process.stdout.write(`${paymentDigest(paymentKeyOf(secrets, tenant), identifier)}\n`);
    });
}

async function create(actorId: string, options: CreateOptions): Promise<void> {
  if (!ACTOR_ID.test(actorId)) throw new Error('an actor id is 1 to 128 of A–Z a–z 0–9 _ . : @ -');
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(options.tenant)) {
    throw new Error('a tenant is 1 to 64 of a–z 0–9 _ -, a letter first');
  }
  const named = options.scopes.split(',').map((scope) => scope.trim());
  const unknown = named.filter((scope) => !ACTOR_SCOPES.some((known) => known === scope));
  if (unknown.length > 0) throw new Error(`unknown scope ${unknown.join(', ')}`);
  const days = options.days === undefined ? undefined : Number(options.days);
  if (days !== undefined && !(days > 0 && days <= 3650)) throw new Error('--days is 1 to 3650');
  const { database, keys } = existing(options.data);
  const token = `gt_${options.environment}_${randomBytes(32).toString('base64url')}`;
  const now = Date.now();
  const store = openActors(database);
  try {
    const others = (await store.listActorTokens()).filter(
      (one) => one.actorId === actorId && one.tenant === options.tenant && one.state !== 'revoked',
    );
    if (others.length > 1) throw new Error(`${actorId} has two tokens; revoke one first`);
    await store.addActorToken({
      hash: tokenDigest(openTenantSecrets(keys, Date.now), token),
      id: newId('atk_', now),
      actorId,
      tenant: options.tenant,
      environment: options.environment,
      scopes: ACTOR_SCOPES.filter((scope) => named.includes(scope)),
      state: 'active',
      label: options.label,
      createdAt: new Date(now).toISOString(),
      expiresAt: days === undefined ? undefined : new Date(now + days * 86_400_000).toISOString(),
    });
  } finally {
    store.close();
  }
  process.stdout.write(`${token}\n`);
  process.stderr.write(pc.dim('Shown once. A running server accepts it now.\n'));
}

async function change(data: string, id: string, state: ActorToken['state']): Promise<void> {
  const store = openActors(existing(data).database);
  try {
    const token = (await store.listActorTokens()).find((one) => one.id === id);
    if (token === undefined) throw new Error(`there is no token ${id}`);
    if (token.state === 'revoked') throw new Error(`${id} is revoked`);
    await store.setActorState(id, state);
  } finally {
    store.close();
  }
  process.stdout.write(`${id} is ${state}\n`);
}
