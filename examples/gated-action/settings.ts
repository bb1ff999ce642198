import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDecideClient,
  type DecideClient,
  type DecideClientOptions,
} from '@countersign/client';
import { openDatabase } from '../decision-actions/store.ts';
import type { Anchor } from './ask.ts';
import type { EngineOptions } from './engine.ts';

/** What every integration is set up with; only the connector differs. */
export interface Settings extends Omit<EngineOptions, 'target'> {
  /** Where an integration keeps what is its own. */
  readonly directory: string;
}

/** Makes clients whose key is read anew each time: rotating it is replacing the file. */
export function clientsOf(
  baseUrl: string,
  keyFile: string,
  options: Partial<DecideClientOptions> = {},
): () => DecideClient {
  return () =>
    createDecideClient({ ...options, baseUrl, apiKey: readFileSync(keyFile, 'utf8').trim() });
}

/**
 * Settings of a demo against a running development server: a database in a temporary folder, and the keys that the
 * server publishes at this moment. In production the keys come from a file that somebody compared and pinned.
 */
export async function demoSettings(name: string): Promise<Settings> {
  if (process.argv.includes('--help')) {
    say(
      `Runs the ${name} integration against a development server.`,
      '',
      'COUNTERSIGN_URL       address of the server (default http://127.0.0.1:4000)',
      'COUNTERSIGN_KEY_FILE  file with the API key (default data/dev-api-key)',
    );
    process.exit(0);
  }
  const url = process.env['COUNTERSIGN_URL'] ?? 'http://127.0.0.1:4000';
  const keyFile = process.env['COUNTERSIGN_KEY_FILE'] ?? 'data/dev-api-key';
  const connect = clientsOf(url, keyFile);
  const anchor: Anchor = { registry: await connect().receiptKeys(), environment: 'test' };
  const directory = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
  say(`gate ${url}, database ${directory}`);
  return {
    directory,
    db: openDatabase(join(directory, 'actions.db')),
    connect,
    anchor,
    executor: { type: 'worker', id: `${name}-demo` },
    claims: true,
    now: Date.now,
    alert: (text) => say(`ALERT ${text}`),
  };
}

export function say(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
