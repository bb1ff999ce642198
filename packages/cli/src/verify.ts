import { readFileSync } from 'node:fs';
import { isMembers, parseJson, readPacket } from '@countersign/proof';
import {
  type ApplicationBinding,
  type FileOptions,
  type FileVerification,
  parseLedgerKey,
  parsePublicKey,
  parseRegistry,
  summarize,
  type Trust,
  verifyApplicationBinding,
  verifyFile,
} from '@countersign/verify';
import { type Command, Option } from 'commander';

interface VerifyOptions {
  readonly input?: string;
  readonly publicKey?: string;
  readonly ledgerKey?: string;
  readonly keyRegistry?: string;
  readonly environment?: 'live' | 'test';
  readonly hmacSecret?: string;
  readonly checkpoint?: string;
  readonly consistency?: string;
  readonly trustedOrigin?: string;
  readonly replay?: boolean;
  readonly applicationBinding?: boolean;
  readonly json?: boolean;
}

/** Nesting of files that are read beside the one to verify. */
const DEPTH_MAX = 64;

export function addVerify(program: Command): void {
  for (const [name, what] of [
    ['verify', 'a Decision Record or a Decision Packet'],
    ['verify-packet', 'a Decision Packet'],
  ] as const) {
    trustOptions(program.command(name).description(`Verify ${what} offline`))
      .argument('<file>', 'the file, or - for standard input')
      .addOption(
        new Option('--environment <name>', 'environment that the trusted keys are of').choices([
          'live',
          'test',
        ]),
      )
      .option('--hmac-secret <text>', 'secret of an HMAC receipt; it counts as published only')
      .option('--input <file>', 'the request body that should hash to the record’s input_hash')
      .option('--checkpoint <file>', 'an older checkpoint of the same ledger that is trusted')
      .option(
        '--consistency <file>',
        'proof from that checkpoint to the packet’s, as /api/decision/ledger/consistency answers it',
      )
      .option('--trusted-origin <name>', 'origin that the ledger’s checkpoints must have')
      .option('--replay', 'judge a packet’s input anew by its policy and compare')
      .option(
        '--application-binding',
        'ask also that a rulebook decision holds all that its application must have',
      )
      .option('--offline', 'nothing is fetched in any case; accepted for scripts that say so')
      .option('--json', 'print the whole result as JSON')
      .option('--summary', 'print a summary (the default)')
      .addHelpText('after', '\nExit code: 0 verified, 1 not verified, 2 usage or unreadable file.')
      .action((file: string, options: VerifyOptions) => {
        const bytes = read(file);
        const outcome = verifyFile(bytes, {
          trust: readTrust(options),
          replay: options.replay === true,
          ...(options.input === undefined ? {} : { input: readJson(options.input) }),
          ...(options.checkpoint === undefined ? {} : { checkpoint: readText(options.checkpoint) }),
          ...(options.consistency === undefined
            ? {}
            : { consistency: readConsistency(options.consistency) }),
          ...(options.trustedOrigin === undefined ? {} : { origin: options.trustedOrigin }),
        } satisfies FileOptions);
        const binding =
          options.applicationBinding === true && outcome.exit !== 2
            ? verifyApplicationBinding(recordIn(bytes))
            : undefined;
        print(outcome, options.json === true, binding);
      });
  }
}

/** Options that say whom to believe. */
export function trustOptions(command: Command): Command {
  return command
    .option('--key-registry <file>', 'trusted keys, as /api/decision/receipt-keys answers them')
    .option('--public-key <file>', 'trusted receipt key (PEM)')
    .option('--ledger-key <key>', 'trusted ledger key, as `countersign keys ledger` prints it');
}

/** Prints an outcome and makes it the exit code of the process. */
export function print(
  outcome: FileVerification,
  asJson: boolean,
  binding?: ApplicationBinding,
): void {
  const { result } = outcome;
  const whole = binding === undefined ? result : { ...result, application_binding: binding };
  const lines = [summarize(result), ...(binding === undefined ? [] : [bindingLine(binding)])];
  process.stdout.write(`${asJson ? JSON.stringify(whole, undefined, 2) : lines.join('\n')}\n`);
  process.exitCode = binding?.verified === false ? 1 : outcome.exit;
}

function bindingLine({ verified, missing }: ApplicationBinding): string {
  return `application binding: ${verified ? 'complete' : `missing ${missing.join(', ')}`}`;
}

/** The record in a file that was found to be readable. */
function recordIn(bytes: Uint8Array): unknown {
  const parsed = parseJson(new TextDecoder().decode(bytes), { depthMax: DEPTH_MAX });
  const value = parsed.ok ? parsed.value : undefined;
  const packet = readPacket(value)?.packet;
  const held = packet ?? (isMembers(value) ? value : {});
  return held['decision_record'] ?? value;
}

export function readTrust(
  options: Pick<
    VerifyOptions,
    'keyRegistry' | 'publicKey' | 'ledgerKey' | 'hmacSecret' | 'environment'
  >,
): Trust {
  const trust: { -readonly [name in keyof Trust]: Trust[name] } = {};
  if (options.keyRegistry !== undefined) {
    const registry = parseRegistry(readJson(options.keyRegistry));
    if (!registry.ok) {
      throw new Error(
        `${options.keyRegistry} is not a valid key registry (${registry.fault.code})`,
      );
    }
    trust.registry = registry.value;
  }
  if (options.publicKey !== undefined) {
    trust.publicKey = parsePublicKey(readText(options.publicKey), 'public_key_file');
    if (trust.publicKey === undefined)
      throw new Error(`${options.publicKey} is not an Ed25519 key`);
  }
  if (options.ledgerKey !== undefined) {
    trust.ledgerKey = parseLedgerKey(options.ledgerKey);
    if (trust.ledgerKey === undefined) throw new Error('--ledger-key is not a verifier key');
  }
  if (options.hmacSecret !== undefined) trust.hmacSecret = options.hmacSecret;
  if (options.environment !== undefined) trust.environment = options.environment;
  return trust;
}

export function readConsistency(file: string): readonly string[] {
  const answer = readJson(file) as { readonly proof?: unknown } | null;
  const proof = answer?.proof;
  if (!Array.isArray(proof) || !proof.every((hash) => typeof hash === 'string')) {
    throw new Error(`${file} holds no consistency proof`);
  }
  return proof;
}

/** Strict JSON of a file: what other readers would understand differently is refused. */
export function readJson(file: string): unknown {
  const parsed = parseJson(readText(file), { depthMax: DEPTH_MAX });
  if (!parsed.ok) throw new Error(`${file} is not strict JSON (${parsed.fault.code})`);
  return parsed.value;
}

export function readText(file: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read(file));
}

function read(file: string): Uint8Array {
  return readFileSync(file === '-' ? 0 : file);
}
