import {
  changeTenantSettings,
  communicationScope,
  destroyTenantSecret,
  eraseDecision,
  eraseTenant,
  newId,
  openActors,
  openSqlite,
  PLAN_CAPS,
  type Plan,
  RETENTION_DAYS_MAX,
  RETENTION_DAYS_MIN,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import { withData } from './keys.ts';
import { existing, type OwnLedger, withLedger } from './own-ledger.ts';

/** Decisions on communications have upper-case ids; those of the Decide door do not. */
const COMMUNICATION_ID = /^dec_[0-9A-HJKMNP-TV-Z]{26}$/;

interface EraseOptions {
  readonly data: string;
  readonly decision?: string;
  readonly tenant: string;
  readonly everything?: boolean;
  readonly reason?: string;
}

interface TenantOptions {
  readonly data: string;
  readonly plan?: string;
  readonly monthlyCap?: string;
  readonly retentionDays?: string;
  readonly liveCommunication?: 'on' | 'off';
  readonly model?: 'on' | 'off';
  readonly suspended?: boolean;
  readonly active?: boolean;
}

export function addData(program: Command): void {
  const data = program.command('data').description('What is kept beside the ledger');
  withData(
    data
      .command('erase')
      .description('Erase inputs for good; records, hashes and proofs stay and still verify'),
  )
    .requiredOption('--tenant <name>', 'whose data')
    .option('--decision <id>', 'the input of one decision')
    .option('--everything', 'all inputs, API keys and idempotency keys of the tenant')
    .option('--reason <text>', 'why; it is recorded with the erasure')
    .action(async (options: EraseOptions) => {
      if ((options.decision === undefined) === (options.everything !== true)) {
        throw new Error('name either one --decision, or --everything');
      }
      const said = await withLedger(options.data, (ledger) => erase(ledger, options));
      process.stdout.write(`${said}\n`);
    });

  const tenants = program.command('tenants').description('What is settled about a tenant');
  withData(tenants.command('set').description('Change settings; a running server follows at once'))
    .argument('<tenant>', 'its name')
    .addOption(
      new Option('--plan <name>', 'how many records a month may have').choices(
        Object.keys(PLAN_CAPS),
      ),
    )
    .option('--monthly-cap <n>', 'records per calendar month, in place of the plan’s')
    .option(
      '--retention-days <n>',
      `days for which inputs are kept, ${RETENTION_DAYS_MIN} to ${RETENTION_DAYS_MAX}`,
    )
    .addOption(
      new Option('--live-communication <choice>', 'open the communication door in live').choices([
        'on',
        'off',
      ]),
    )
    .addOption(
      new Option(
        '--model <choice>',
        'let the model that is set read communications besides',
      ).choices(['on', 'off']),
    )
    .addOption(new Option('--suspended', 'let nothing be attempted').conflicts('active'))
    .option('--active', 'end a suspension')
    .action(async (tenant: string, options: TenantOptions) => {
      const { plan, monthlyCap: cap, retentionDays: days } = options;
      const store = openSqlite(existing(options.data).database);
      await changeTenantSettings(store, tenant, {
        ...(plan === undefined ? {} : { plan: plan as Plan }),
        ...(cap === undefined ? {} : { monthly_cap: whole('--monthly-cap', cap, 0, 1e9) }),
        ...(days === undefined
          ? {}
          : {
              retention_days: whole(
                '--retention-days',
                days,
                RETENTION_DAYS_MIN,
                RETENTION_DAYS_MAX,
              ),
            }),
        ...(options.model === undefined ? {} : { model: options.model === 'on' }),
        ...(options.liveCommunication === undefined
          ? {}
          : { live_communication: options.liveCommunication === 'on' }),
        ...(options.suspended === true ? { suspended: true } : {}),
        ...(options.active === true ? { suspended: false } : {}),
      });
      process.stdout.write(`${(await store.readTenant(tenant)) ?? '{}'}\n`);
      await store.close();
    });
}

async function erase(ledger: OwnLedger, options: EraseOptions): Promise<string> {
  const ports = {
    ...ledger,
    ambient: { now: Date.now, newId: (prefix: string) => newId(prefix, Date.now()) },
  };
  const { tenant, decision, reason } = options;
  if (decision !== undefined) {
    const scope = COMMUNICATION_ID.test(decision) ? communicationScope(tenant) : tenant;
    const found = await eraseDecision(ports, scope, decision, reason);
    if (!found) throw new Error(`${tenant} has no decision ${decision}`);
    return `the input of ${decision} is erased`;
  }
  const count =
    (await eraseTenant(ports, tenant, reason)) +
    (await eraseTenant(ports, communicationScope(tenant), reason));
  await revokeActors(ledger.database, tenant);
  destroyTenantSecret(ledger.keyDirectory, tenant);
  return `${count} inputs of ${tenant} are erased; its keys are revoked`;
}

async function revokeActors(database: string, tenant: string): Promise<void> {
  const actors = openActors(database);
  for (const token of await actors.listActorTokens()) {
    if (token.tenant === tenant) await actors.setActorState(token.id, 'revoked');
  }
  actors.close();
}

function whole(name: string, text: string, min: number, max: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) < min || Number(text) > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}`);
  }
  return Number(text);
}
