import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfig, SETTINGS, startServer, VERSION } from '@countersign/server';
import type { Command } from 'commander';
import pc from 'picocolors';

/** File of the development key that `demo` and the examples read; owner only. */
export const DEV_KEY_FILE = 'dev-api-key';
/** File of the development actor's token; owner only. */
export const DEV_ACTOR_FILE = 'dev-actor-token';

/** How long requests that are under way may take after a signal, in milliseconds. */
const DRAIN_MS = 10_000;

export function addServe(program: Command): void {
  const settings = Object.entries(SETTINGS).map(([name, what]) => `  ${name.padEnd(31)}${what}`);
  program
    .command('serve')
    .description('Run the server')
    .option('--port <port>', 'port to listen on')
    .option('--host <address>', 'address to listen on')
    .option('--data <directory>', 'directory of the ledger and the keys')
    .option('--environment <name>', 'test (development mode) or live')
    .addHelpText(
      'after',
      `\nSettings from the environment, with their defaults:\n${settings.join('\n')}`,
    )
    .action(async (options: Readonly<Record<string, string | undefined>>) => {
      const config = readConfig({
        ...process.env,
        ...overriding('COUNTERSIGN_PORT', options['port']),
        ...overriding('COUNTERSIGN_HOST', options['host']),
        ...overriding('COUNTERSIGN_DATA', options['data']),
        ...overriding('COUNTERSIGN_ENVIRONMENT', options['environment']),
      });
      await serve(config);
    });
}

function overriding(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

async function serve(config: Config): Promise<void> {
  const server = await startServer(config);
  const keyFile = join(config.dataDirectory, DEV_KEY_FILE);
  for (const { key } of server.newKeys) {
    writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
  }
  const actorFile = join(config.dataDirectory, DEV_ACTOR_FILE);
  for (const { token } of server.newActors) writeFileSync(actorFile, `${token}\n`, { mode: 0o600 });
  const line = (name: string, value: string): void => {
    process.stdout.write(`  ${pc.dim(name.padEnd(12))}${value}\n`);
  };
  const mode = config.environment === 'test' ? 'development mode' : 'live';
  process.stdout.write(`\n${pc.bold(`Countersign ${VERSION}`)} ${pc.dim(`(${mode})`)}\n`);
  line('listening', pc.cyan(server.url));
  line('ledger', `${join(config.dataDirectory, 'ledger.db')}, ${server.keyring.origin}`);
  for (const { key } of server.newKeys) {
    line('API key', `${pc.green(key)}`);
    line('', pc.dim(`shown once; for the demo it is also in ${keyFile}, readable by you only`));
  }
  if (server.newKeys.length === 0 && existsSync(keyFile)) line('API key', `in ${keyFile}`);
  for (const { actorId, token } of server.newActors) {
    line('actor', `${actorId}  ${pc.green(token)}`);
    line('', pc.dim(`shown once; for the communication door (/v1); also in ${actorFile}`));
  }
  if (server.newActors.length === 0 && existsSync(actorFile)) line('actor', `in ${actorFile}`);
  line('open', `${server.url}/ in a browser`);
  line('try', 'npm run demo');
  process.stdout.write('\n');

  server.prepare();
  await new Promise<void>((stop) => {
    process.once('SIGINT', () => stop());
    process.once('SIGTERM', () => stop());
  });
  process.stdout.write('Stopping: answering what is under way …\n');
  const late = setTimeout(() => {
    process.stderr.write('countersign: gave up waiting for open requests\n');
    process.exit(1);
  }, DRAIN_MS);
  await server.close();
  clearTimeout(late);
}
