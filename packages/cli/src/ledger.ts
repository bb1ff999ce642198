import { checkLedger, openSqlite } from '@countersign/server';
import type { Command } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { existing, existingKeyring } from './own-ledger.ts';

export function addLedger(program: Command): void {
  const ledger = program.command('ledger').description('The ledger on this machine');
  withData(
    ledger
      .command('check')
      .description('Rebuild the ledger from its leaves and say where the first damage is'),
  )
    .option('--json', 'print the report as JSON')
    .action(async ({ data, json }: { data: string; json?: boolean }) => {
      const { database } = existing(data);
      const { origin, checkpoints } = existingKeyring(data);
      const store = openSqlite(database);
      const show = process.stderr.isTTY === true && json !== true;
      const report = await checkLedger(
        store,
        { origin, publicKey: checkpoints.publicKey },
        (checked, size) => {
          if (show) process.stderr.write(`\r${checked} of ${size} entries`);
        },
      );
      await store.close();
      if (show) process.stderr.write('\r');
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ ok: report.damage === undefined, ...report })}\n`);
      } else if (report.damage === undefined) {
        process.stdout.write(
          `${pc.green('sound')}: ${report.size} entries, ${report.checkpoints} signed checkpoints, ${origin}\n`,
        );
      } else {
        process.stdout.write(`${pc.red('damaged')}: ${report.damage.what}\n`);
      }
      process.exitCode = report.damage === undefined ? 0 : 1;
    });
}
