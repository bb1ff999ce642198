import {
  addEndpoint,
  listEndpoints,
  newId,
  openSqlite,
  openWebhooks,
  rotateSecret,
  WEBHOOK_EVENT_TYPES,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { existing } from './own-ledger.ts';

interface Options {
  readonly data: string;
}

interface AddOptions extends Options {
  readonly tenant: string;
  readonly url: string;
  readonly events?: readonly string[];
  readonly environment: 'test' | 'live';
}

export function addWebhooks(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .description('Endpoints that are told of events; an event never carries a verdict');

  withData(webhooks.command('add').description('Add an endpoint and show its secret once'))
    .requiredOption('--tenant <name>', 'tenant whose events it gets')
    .requiredOption('--url <url>', 'where to send them; https')
    .option('--events <type...>', `which ones (all): ${WEBHOOK_EVENT_TYPES.join(', ')}`)
    .addOption(
      new Option('--environment <name>', 'of the server; only `test` may call this machine')
        .choices(['test', 'live'])
        .env('COUNTERSIGN_ENVIRONMENT')
        .default('test'),
    )
    .action(async ({ data, tenant, url, events, environment }: AddOptions) => {
      const ledger = openSqlite(existing(data).database);
      const { size } = await ledger.readHead();
      await ledger.close();
      const added = withStore(data, (store) =>
        addEndpoint(
          store,
          { scope: tenant, url, types: events ?? [], ledgerSize: size },
          { now: Date.now, newId: (prefix) => newId(prefix, Date.now()) },
          { allowLoopback: environment === 'test' },
        ),
      );
      if (!added.ok) throw new Error(`this endpoint is refused: ${added.fault}`);
      process.stdout.write(`${added.value.endpoint.id}\n${added.value.secret}\n`);
      process.stderr.write(
        pc.dim('The secret is shown once. Deliveries follow Standard Webhooks.\n'),
      );
    });

  withData(webhooks.command('list').description('List endpoints; their secrets are not shown'))
    .option('--tenant <name>', 'of one tenant only')
    .action(({ data, tenant }: Options & { readonly tenant?: string }) => {
      for (const one of withStore(data, (store) => listEndpoints(store, tenant))) {
        const state = one.state === 'active' ? pc.green(one.state) : pc.yellow(one.state);
        const types = one.types.length === 0 ? 'all' : one.types.join(',');
        process.stdout.write(`${one.id}  ${state}  ${one.scope}  ${one.url}  ${pc.dim(types)}\n`);
      }
    });

  endpoint(webhooks, 'remove', 'Forget an endpoint with all that waits for it').action(
    (id: string, { data }: Options) => {
      found(
        id,
        withStore(data, (store) => store.removeEndpoint(id)),
      );
      process.stdout.write(`${id} is removed\n`);
    },
  );

  endpoint(webhooks, 'disable', 'Stop deliveries; what waits becomes dead letters').action(
    (id: string, { data }: Options) => {
      found(
        id,
        withStore(data, (store) => store.disableEndpoint(id, 'disabled by the operator')),
      );
      process.stdout.write(`${id} is disabled\n`);
    },
  );

  endpoint(webhooks, 'rotate-secret', 'Give an endpoint a new secret and show it once').action(
    (id: string, { data }: Options) => {
      const secret = withStore(data, (store) => rotateSecret(store, id, Date.now()));
      found(id, secret !== undefined);
      process.stdout.write(`${secret}\n`);
      process.stderr.write(
        pc.dim('For a day deliveries are signed with the old secret as well.\n'),
      );
    },
  );

  endpoint(webhooks, 'dead-letters', 'List events that were given up').action(
    (id: string, { data }: Options) => {
      for (const letter of withStore(data, (store) => store.deadLetters(id))) {
        process.stdout.write(`${letter.id}  ${letter.eventId}  ${letter.lastError ?? ''}\n`);
      }
    },
  );

  withData(webhooks.command('retry').description('Send a dead letter again'))
    .argument('<letter>', 'its number, as `webhooks dead-letters` shows it')
    .action((letter: string, { data }: Options) => {
      const sent = /^\d{1,15}$/.test(letter);
      found(letter, sent && withStore(data, (store) => store.retry(Number(letter), Date.now())));
      process.stdout.write(`${letter} waits again\n`);
    });
}

function endpoint(webhooks: Command, name: string, what: string): Command {
  return withData(webhooks.command(name).description(what)).argument(
    '<endpoint>',
    'its id, as `webhooks list` shows it',
  );
}

function found(id: string, there: boolean): void {
  if (!there) throw new Error(`there is no ${id} that this could be done to`);
}

function withStore<Value>(
  data: string,
  use: (store: ReturnType<typeof openWebhooks>) => Value,
): Value {
  const store = openWebhooks(existing(data).database);
  try {
    return use(store);
  } finally {
    store.close();
  }
}
