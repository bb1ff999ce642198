import { readFileSync } from 'node:fs';
import { verifyFile } from '@countersign/verify';
import type { Command } from 'commander';

interface VerifyOptions {
  readonly input?: string;
  readonly publicKey?: string;
  readonly ledgerKey?: string;
  readonly keyRegistry?: string;
  readonly checkpoint?: string;
  readonly trustedOrigin?: string;
  readonly replay?: boolean;
  readonly json?: boolean;
  readonly summary?: boolean;
}

export function addVerify(program: Command): void {
  for (const [name, what] of [
    ['verify', 'a Decision Record or a packet'],
    ['verify-packet', 'a Decision Packet'],
  ] as const) {
    program
      .command(name)
      .description(`Verify ${what} offline`)
      .argument('<file>', 'the file, or - for standard input')
      .option('--input <file>', 'the request body that should hash to the record’s input_hash')
      .option('--public-key <file>', 'trusted receipt key (PEM)')
      .option('--ledger-key <key>', 'trusted ledger key, as `countersign keys ledger` prints it')
      .option('--key-registry <file>', 'trusted key registry, as /api/decision/receipt-keys answers it')
      .option('--checkpoint <file>', 'older checkpoint that is already trusted')
      .option('--trusted-origin <name>', 'origin that the ledger’s checkpoints must have')
      .option('--replay', 'judge the packet’s input anew by its policy')
      .option('--json', 'print the whole result as JSON')
      .option('--summary', 'print a summary (default)')
      .addHelpText('after', '\nExit code: 0 verified, 1 not verified, 2 usage or unreadable file.')
      .action((file: string, options: VerifyOptions) => {
        const outcome = verifyFile(read(file), {
          ...fileOption('input', options.input),
          ...fileOption('publicKey', options.publicKey),
          ...fileOption('registry', options.keyRegistry),
          ...fileOption('checkpoint', options.checkpoint),
          ...(options.ledgerKey === undefined ? {} : { ledgerKey: options.ledgerKey }),
          ...(options.trustedOrigin === undefined ? {} : { origin: options.trustedOrigin }),
          replay: options.replay === true,
          packetOnly: name === 'verify-packet',
        });
        const shown =
          options.json === true ? JSON.stringify(outcome.result, undefined, 2) : outcome.summary;
        process.stdout.write(`${shown}\n`);
        process.exitCode = outcome.exit;
      });
  }
}

function fileOption<Name extends string>(
  name: Name,
  file: string | undefined,
): { readonly [name in Name]?: string } {
  return file === undefined ? {} : ({ [name]: read(file) } as { readonly [name in Name]?: string });
}

function read(file: string): string {
  // Bytes that are not UTF-8 must not turn into other text.
  const bytes = readFileSync(file === '-' ? 0 : file);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
