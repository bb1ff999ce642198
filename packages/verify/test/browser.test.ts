import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import envelope from '../../../vectors/packet/worked-example.envelope.json' with { type: 'json' };
import { vectors } from './example.ts';

/** One script for pages, made from source: what a reader would open in a browser. */
async function bundle(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['source', 'browser'] },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
        formats: ['iife'],
        name: 'countersign',
        fileName: 'verify',
      },
    },
  });
  const output = Array.isArray(built) ? built[0] : built;
  if (output === undefined || !('output' in output)) throw new Error('nothing was built');
  return output.output[0].code;
}

describe('the verifier in a browser', () => {
  let code = '';
  beforeAll(async () => {
    code = await bundle();
  });

  /** Runs a statement behind the bundle, in a world that has what the language has and two encoders. */
  function run(statement: string, given: Record<string, unknown>): unknown {
    const context = createContext({ TextEncoder, TextDecoder, given });
    new Script(code).runInContext(context);
    return JSON.parse(
      new Script(`JSON.stringify((() => { ${statement} })())`).runInContext(context) as string,
    );
  }

  const STATEMENT = `
    const { parseLedgerKey, parsePublicKey, summarize, verifyFile } = countersign;
    const trust = { publicKey: parsePublicKey(given.pem), ledgerKey: parseLedgerKey(given.ledgerKey) };
    const { exit, result } = verifyFile(given.text, { trust });
    return { exit, failures: result.failures, summary: summarize(result) };
  `;
  const given = {
    pem: vectors.key.pem,
    ledgerKey: vectors.ledger.verifier_key,
    text: JSON.stringify(envelope),
  };

  it('holds nothing of Node and reaches for no network', () => {
    expect(code.length).toBeGreaterThan(10_000);
    expect(code).not.toMatch(/node:|\brequire\(|\bprocess\.|\bfetch\(|XMLHttpRequest|\bimport\(/);
    expect(run('return [typeof process, typeof require, typeof fetch]', {})).toEqual([
      'undefined',
      'undefined',
      'undefined',
    ]);
  });

  it('verifies the worked example', () => {
    expect(run(STATEMENT, given)).toMatchObject({ exit: 0, failures: [] });
  });

  it('refuses a changed one', () => {
    const text = given.text.replace('"outcome_status":"succeeded"', '"outcome_status":"failed"');
    expect(text).not.toBe(given.text);
    expect(run(STATEMENT, { ...given, text })).toMatchObject({ exit: 1 });
  });
});
