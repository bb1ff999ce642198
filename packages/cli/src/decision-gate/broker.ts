import type { Schema } from '@countersign/contract';
import type { Json, scenario } from '@countersign/policy';
import { canonical } from '@countersign/server';
import type { Command } from 'commander';
import { table } from '../policy-output.ts';
import { type AttestedOptions, withAttestedOutput, writeAttested } from './attested-output.ts';
import { type Promised, type VerifiedContent, verifyContent } from './broker-content.ts';
import { fetchContent, type SourceRules } from './broker-sources.ts';
import { formats } from './flags.ts';
import { helpText } from './help-ca.ts';
import { readJsonFile } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { schemaFault } from './schema-fault.ts';

interface BrokerOptions extends AttestedOptions {
  readonly input: string;
  readonly fileRoot?: string;
  readonly allowHost?: readonly string[];
  readonly denyHost?: readonly string[];
  readonly allowPrivate?: boolean;
  readonly format: 'json' | 'text';
}

/** Who hands content over, as receipts name it. */
const DISPATCHER = 'broker';

/** Content that packets refer to instead of holding it. A server never follows such a reference; this does. */
export function addBroker(program: Command): void {
  const broker = program
    .command('broker')
    .description(helpText('Fetch content that packets refer to, and compare it with its hash'));

  withSources(
    broker.command('resolve').description(helpText('Print the content of a reference')),
  ).action(async (options: BrokerOptions) => {
    const say = messagesIn(program);
    const { content_ref, content_type } = readInput<Reference>(REFERENCE, options, say);
    const promised = { contentType: content_type ?? undefined, hash: content_ref.content_hash };
    const content = await resolved(content_ref.uri, promised, options, say);
    const report = { uri: content_ref.uri, ...membersOf(content), payload: content.payload };
    show(report, [[content_ref.uri, ...rowOf(content)]], options, say);
  });

  withSources(
    broker
      .command('dispatch')
      .description(helpText('Fetch the content of a packet and print receipts')),
  ).action(async (options: BrokerOptions) => {
    const say = messagesIn(program);
    const { envelope, payload, dispatch_targets } = readInput<Dispatch>(DISPATCH, options, say);
    const promised = { contentType: envelope.content_type, hash: envelope.content_hash };
    const content =
      payload.kind === 'external'
        ? await resolved(payload.content_ref.uri, promised, options, say)
        : verifyContent({ bytes: bytesOf(payload) }, promised, say);
    const receipts = dispatch_targets.map((target, at) => receiptOf(content, target, at + 1));
    const rows = receipts.map(({ dispatch_id, target, receipt_hash }) => [
      dispatch_id,
      target.kind,
      receipt_hash.value,
    ]);
    show({ ...membersOf(content), payload: content.payload, receipts }, rows, options, say);
  });
}

function withSources(command: Command): Command {
  return withAttestedOutput(command)
    .requiredOption('--input <file>', helpText('what is asked for (JSON), or - for standard input'))
    .option('--file-root <directory>', helpText('directory that files must be in'))
    .option(
      '--allow-host <pattern...>',
      helpText('only these hosts; *.example.com covers all below'),
    )
    .option('--deny-host <pattern...>', helpText('these hosts never'))
    .option('--allow-private', helpText('also addresses of this machine and private networks'))
    .addOption(formats('json', 'text'));
}

interface Reference {
  readonly content_type?: string | null;
  readonly content_ref: { readonly uri: string; readonly content_hash: scenario.HashDigest };
}

interface Dispatch {
  readonly envelope: Pick<scenario.PacketEnvelope, 'content_type' | 'content_hash'>;
  readonly payload: scenario.PacketPayload;
  readonly dispatch_targets: readonly scenario.DispatchTarget[];
}

const TEXT: Schema = { type: 'string' };
const HASH: Schema = object({
  algorithm: { const: 'sha256' },
  value: { type: 'string', pattern: '^[0-9a-f]{64}$' },
});
const CONTENT_REF = object({ uri: TEXT, content_hash: HASH });

const REFERENCE: Schema = {
  ...object({ content_ref: CONTENT_REF }),
  properties: { content_ref: CONTENT_REF, content_type: { type: ['string', 'null'] } },
};

const DISPATCH: Schema = object({
  envelope: object({ content_type: TEXT, content_hash: HASH }),
  payload: {
    oneOf: [
      object({ kind: { const: 'json' }, value: {} }),
      object({
        kind: { const: 'bytes' },
        bytes: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 } },
      }),
      object({ kind: { const: 'external' }, content_ref: CONTENT_REF }),
    ],
  },
  dispatch_targets: {
    type: 'array',
    minItems: 1,
    items: {
      oneOf: [
        object({ kind: { const: 'agent' }, agent_id: TEXT }),
        object({ kind: { const: 'session' }, session_id: TEXT }),
        object({ kind: { const: 'external' }, system: TEXT, target: TEXT }),
        object({ kind: { const: 'channel' }, channel: TEXT }),
      ],
    },
  },
});

function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** The type is what the schema says; the check stands beside the only cast. */
function readInput<Form>(schema: Schema, { input }: BrokerOptions, say: Messages): Form {
  const json: Json = readJsonFile(input, say);
  const misfit = schemaFault(schema, json);
  if (misfit !== undefined) throw new Error(say.inputMisfit(input, misfit));
  return json as unknown as Form;
}

async function resolved(
  uri: string,
  promised: Promised,
  options: BrokerOptions,
  say: Messages,
): Promise<VerifiedContent> {
  const rules: SourceRules = {
    fileRoot: options.fileRoot,
    allowHosts: options.allowHost ?? [],
    denyHosts: options.denyHost ?? [],
    allowPrivate: options.allowPrivate === true,
  };
  return verifyContent(await fetchContent(uri, rules, say), promised, say);
}

function bytesOf(payload: Exclude<scenario.PacketPayload, { kind: 'external' }>): Uint8Array {
  return payload.kind === 'json'
    ? new TextEncoder().encode(canonical(payload.value))
    : Uint8Array.from(payload.bytes);
}

function receiptOf(
  content: VerifiedContent,
  target: scenario.DispatchTarget,
  count: number,
): scenario.DispatchReceipt {
  return {
    dispatch_id: `${DISPATCHER}-${count}`,
    target,
    receipt_hash: content.hash,
    dispatched_at: { kind: 'logical', value: count },
    dispatcher: DISPATCHER,
  };
}

function membersOf({
  contentType,
  hash,
  bytes,
}: VerifiedContent): Readonly<Record<string, unknown>> {
  return { content_type: contentType, content_hash: hash, content_bytes: bytes };
}

function rowOf({ contentType, hash, bytes }: VerifiedContent): readonly string[] {
  return [contentType, String(bytes), hash.value];
}

function show(
  report: unknown,
  rows: readonly (readonly string[])[],
  options: BrokerOptions,
  say: Messages,
): void {
  const text = options.format === 'json' ? canonical(report) : table(rows).join('\n');
  writeAttested(text, options, say);
}
