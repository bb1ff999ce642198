import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { parse } from 'smol-toml';
import { openClient, type RpcClient, type ServerAddress } from './client.ts';
import { positiveInteger } from './flags.ts';
import { helpText } from './help-ca.ts';
import { readText } from './input.ts';
import type { Messages } from './messages-en.ts';

/** Where a server of the presets for one machine listens. */
const ENDPOINT = 'http://127.0.0.1:4000/rpc';

const TIMEOUT_MS = 5_000;

/** Largest configuration file, in bytes. */
const CONFIG_BYTES_MAX = 1_048_576;

/** The options that every command has that asks a server. */
export interface ClientOptions {
  readonly transport: ServerAddress['transport'];
  readonly endpoint?: string;
  readonly mcpUrl?: string;
  readonly stdioCommand?: string;
  readonly stdioArgs?: readonly string[];
  readonly stdioEnv?: readonly string[];
  readonly stdioConfig?: string;
  readonly timeoutMs: number;
  readonly bearerToken?: string;
  readonly clientSubject?: string;
  readonly authProfile?: string;
  readonly authConfig?: string;
}

export function withClient(command: Command): Command {
  return command
    .addOption(
      new Option('--transport <name>', helpText('how the server is reached'))
        .choices(['http', 'sse', 'stdio'])
        .default('http'),
    )
    .option(
      '--endpoint <url>',
      helpText('the server; the presets’ http://127.0.0.1:4000/rpc without it'),
    )
    .option('--mcp-url <url>', helpText('the same as --endpoint'))
    .option('--stdio-command <program>', helpText('program to start as the server'))
    .option('--stdio-args <word...>', helpText('its words; the option again for one with a dash'))
    .option('--stdio-env <name=value...>', helpText('variables of its environment'))
    .option('--stdio-config <file>', helpText('its configuration'))
    .option(
      '--timeout-ms <n>',
      helpText('how long an answer may take'),
      positiveInteger,
      TIMEOUT_MS,
    )
    .option('--bearer-token <token>', helpText('token to show'))
    .option(
      '--client-subject <subject>',
      helpText('subject to name, behind a proxy that checks it'),
    )
    .option('--auth-profile <name>', helpText('token and subject from the configuration'))
    .option('--auth-config <file>', helpText('configuration that has the profile'));
}

/** Lets `act` ask the server that the options name, and ends the connection whatever comes of it. */
export async function withServer<Value>(
  options: ClientOptions,
  say: Messages,
  act: (client: RpcClient) => Promise<Value>,
): Promise<Value> {
  const client = openClient(addressOf(options, say), say);
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

function addressOf(options: ClientOptions, say: Messages): ServerAddress {
  const { stdioCommand, stdioArgs = [], stdioEnv = [], stdioConfig } = options;
  const profile =
    options.authProfile === undefined ? {} : profileOf(options.authProfile, options, say);
  const endpoint = options.endpoint ?? options.mcpUrl ?? ENDPOINT;
  if (!URL.canParse(endpoint)) throw new Error(say.endpointMalformed(endpoint));
  return {
    transport: options.transport,
    endpoint,
    command: stdioCommand === undefined ? [] : [stdioCommand, ...stdioArgs],
    environment: Object.fromEntries([
      ...stdioEnv.map((pair) => variableOf(pair, say)),
      ...(stdioConfig === undefined ? [] : [['DECISION_GATE_CONFIG', stdioConfig]]),
    ]) as Readonly<Record<string, string>>,
    timeoutMs: options.timeoutMs,
    bearerToken: options.bearerToken ?? profile.bearerToken,
    clientSubject: options.clientSubject ?? profile.clientSubject,
  };
}

function variableOf(pair: string, say: Messages): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw new Error(say.variableMalformed(pair));
  return [pair.slice(0, at), pair.slice(at + 1)];
}

interface Profile {
  readonly bearerToken?: string | undefined;
  readonly clientSubject?: string | undefined;
}

/** What the configuration keeps under `[client.auth_profiles.<name>]`. */
function profileOf(name: string, { authConfig }: ClientOptions, say: Messages): Profile {
  const file = authConfig ?? process.env['DECISION_GATE_CONFIG'] ?? 'decision-gate.toml';
  if (!existsSync(file)) throw new Error(say.profileUnknown(name, file));
  const config = tomlOf(file, say);
  const found = tableIn(tableIn(tableIn(config, 'client'), 'auth_profiles'), name);
  if (found === undefined) throw new Error(say.profileUnknown(name, file));
  const text = (key: string): string | undefined => {
    const value = found[key];
    if (value === undefined || typeof value === 'string') return value;
    throw new Error(say.profileMalformed(name, key));
  };
  return { bearerToken: text('bearer_token'), clientSubject: text('client_subject') };
}

type Table = Readonly<Record<string, unknown>>;

function tomlOf(file: string, say: Messages): Table {
  try {
    return parse(readText(file, CONFIG_BYTES_MAX, say));
  } catch (error) {
    throw new Error(say.configUnreadable(file, error instanceof Error ? error.message : ''));
  }
}

function tableIn(table: Table | undefined, name: string): Table | undefined {
  const inner = table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  return typeof inner === 'object' && inner !== null ? (inner as Table) : undefined;
}
