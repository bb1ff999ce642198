import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, DEV_ACTOR, readConfig, startServer } from '@countersign/server';
import { type Command, Option } from 'commander';
import { bridge, ofThisProcess, type Surroundings } from './mcp-proxy/over-stdio.ts';
import { DEV_ACTOR_FILE, DEV_KEY_FILE } from './serve.ts';

interface McpOptions {
  readonly data?: string;
  readonly environment?: string;
  readonly port?: string;
  readonly url?: string;
  readonly key?: string;
}

export function addMcp(program: Command): void {
  program
    .command('mcp')
    .description('Serve the tools of all doors to an MCP client on standard input and output')
    .option('--data <directory>', 'directory of the ledger and the keys')
    .option('--environment <name>', 'test (development mode) or live')
    .option('--port <port>', 'port for everything else that the server serves; default: a free one')
    .option('--url <address>', 'use the server that runs there, instead of starting one')
    .addOption(
      new Option(
        '--key <key>',
        'API key of the calls; default: the development key of the data directory',
      ).env('DECIDE_API_KEY'),
    )
    .action(async (options: McpOptions) => {
      const surroundings = ofThisProcess(
        (text) => void process.stderr.write(`countersign mcp: ${text}\n`),
      );
      await (options.url === undefined
        ? own(options, surroundings)
        : remote(options.url, options.key, surroundings));
      process.stdin.destroy();
    });
}

/** A server in this process, over its own data directory. */
async function own(options: McpOptions, surroundings: Surroundings): Promise<void> {
  const { data, environment, port = '0' } = options;
  const config = readConfig({
    ...process.env,
    ...(data === undefined ? {} : { COUNTERSIGN_DATA: data }),
    ...(environment === undefined ? {} : { COUNTERSIGN_ENVIRONMENT: environment }),
    COUNTERSIGN_PORT: port,
  });
  const server = await startServer(config);
  const keyFile = join(config.dataDirectory, DEV_KEY_FILE);
  const actorFile = join(config.dataDirectory, DEV_ACTOR_FILE);
  for (const { key } of server.newKeys) writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
  for (const { token } of server.newActors) {
    writeFileSync(actorFile, `${token}\n`, { mode: 0o600 });
  }
  surroundings.alert(`also on ${server.url}, ledger ${server.keyring.origin}`);
  const ended = new Promise<void>((onClose) => {
    const { input, output } = surroundings;
    const key = keyOf(options.key, config, keyFile);
    server.mcp.serveStdio({ input, output, key, actor: actorOf(config, actorFile), onClose });
  });
  await Promise.race([ended, surroundings.stopped]);
  await server.close();
}

/** In development mode, the actor of the settings or the one that the first start left in the data directory. */
function actorOf(config: Config, actorFile: string): Config['devActor'] {
  if (config.environment === 'live') return undefined;
  if (config.devActor !== undefined || !existsSync(actorFile)) return config.devActor;
  return { id: DEV_ACTOR, token: readFileSync(actorFile, 'utf8').trim() };
}

/** The given key, or in development mode the one that the first start left in the data directory. */
function keyOf(given: string | undefined, config: Config, keyFile: string): string | undefined {
  if (given !== undefined && given !== '') return given;
  if (config.environment === 'live') return undefined;
  return (
    config.devApiKey ?? (existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trim() : undefined)
  );
}

async function remote(
  url: string,
  key: string | undefined,
  surroundings: Surroundings,
): Promise<void> {
  const headers = key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` };
  await bridge({ url: `${url.replace(/\/+$/, '')}/mcp`, headers }, surroundings);
}
