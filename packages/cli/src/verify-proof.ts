import type { Truth } from '@countersign/policy';
import { canonicalJson, isMembers, type Members } from '@countersign/proof';
import { rejudged } from '@countersign/server';
import { type ProofPacketVerification, verifyProofPacket } from '@countersign/verify';
import type { Command } from 'commander';
import pc from 'picocolors';
import { readConsistency, readJson, readText, readTrust, trustOptions } from './verify.ts';

interface Options {
  readonly data?: string;
  readonly decision?: string;
  readonly request?: string;
  readonly checkpoint?: string;
  readonly consistency?: string;
  readonly keyRegistry?: string;
  readonly publicKey?: string;
  readonly ledgerKey?: string;
  readonly replay?: boolean;
  readonly json?: boolean;
}

/** A verification with what only the rules themselves can tell. */
type Whole = Omit<ProofPacketVerification, 'checks' | 'failures'> & {
  readonly checks: Readonly<Record<string, boolean | null>>;
  readonly failures: readonly string[];
};

export function addVerifyProof(program: Command): void {
  trustOptions(
    program
      .command('verify-proof')
      .description('Verify a proof packet of the communication door offline'),
  )
    .argument('<file>', 'the packet, or a demonstration’s answer, or - for standard input')
    .option('--decision <file>', 'the decision that the packet belongs to')
    .option('--request <file>', 'the request that was decided about, as it was sent')
    .option('--checkpoint <file>', 'a checkpoint of the same ledger that is trusted')
    .option('--consistency <file>', 'proof between that checkpoint and the packet’s')
    .option('--replay', 'judge --request anew by the rules of this build and compare')
    .option('--json', 'print the whole result as JSON')
    .addHelpText('after', '\nExit code: 0 verified, 1 not verified, 2 usage or unreadable file.')
    .action((file: string, options: Options) => {
      const read = readJson(file);
      // A demonstration brings its packet along.
      const inline = isMembers(read) ? read['proof_packet'] : undefined;
      const packet = inline ?? read;
      const decision = options.decision === undefined ? undefined : readJson(options.decision);
      const request = options.request === undefined ? undefined : readJson(options.request);
      const found = verifyProofPacket({
        packet,
        trust: readTrust(options),
        decision: decision ?? (inline === undefined ? undefined : read),
        request,
        ...(options.checkpoint === undefined ? {} : { checkpoint: readText(options.checkpoint) }),
        ...(options.consistency === undefined
          ? {}
          : { consistency: readConsistency(options.consistency) }),
      });
      const replay =
        options.replay === true && request !== undefined ? replays(packet, request) : null;
      print(withReplay(found, replay), options.json === true);
    });
}

/** Whether the rules of this build, if they are the packet's, say of the content what the packet says. */
function replays(packet: unknown, request: unknown): boolean {
  if (!isMembers(packet)) return false;
  const again = rejudged(request, controlsIn(packet));
  const named = (name: string): Members => (isMembers(packet[name]) ? packet[name] : {});
  const hashes =
    again.policy_hash === named('policy')['hash'] &&
    again.ruleset_hash === named('analyser')['ruleset_hash'];
  const variants = named('variants');
  return hashes && canonicalJson(again.with_hints) === canonicalJson(variants['with_hints']);
}

/** What evidence said of the controls, as the packet has it. */
function controlsIn(packet: Members): ReadonlyMap<string, Truth> {
  const conditions = Array.isArray(packet['conditions'])
    ? packet['conditions'].filter(isMembers)
    : [];
  return new Map(
    conditions.flatMap(({ name, value }): [string, Truth][] => {
      const control = typeof name === 'string' && name.startsWith('c.') && name !== COMPUTED;
      const truth = TRUTHS.find((one) => one === value);
      return control && truth !== undefined ? [[name, truth]] : [];
    }),
  );
}

/** The control that needs no evidence. */
const COMPUTED = 'c.bounded_outbound';
const TRUTHS: readonly Truth[] = ['true', 'false', 'unknown'];

function withReplay(found: ProofPacketVerification, replay: boolean | null): Whole {
  const failures = replay === false ? [...found.failures, 'replay'] : found.failures;
  return {
    verified: found.verified && replay !== false,
    checks: { ...found.checks, replay },
    failures,
  };
}

function print(whole: Whole, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify(whole, undefined, 2)}\n`);
  } else {
    for (const [name, check] of Object.entries(whole.checks)) {
      const said =
        check === null ? pc.dim('not checked') : check ? pc.green('holds') : pc.red('fails');
      process.stdout.write(`  ${name.padEnd(16)}${said}\n`);
    }
    process.stdout.write(whole.verified ? 'verified\n' : 'NOT verified\n');
  }
  process.exitCode = whole.verified ? 0 : 1;
}
