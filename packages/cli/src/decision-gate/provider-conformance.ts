import { type Json, member, scenario } from '@countersign/policy';
import {
  type CompiledCheck,
  type CompiledContract,
  canonical,
  compileContract,
  digest,
} from '@countersign/server';
import { frameOf } from './frames.ts';
import type { Messages } from './messages-en.ts';
import { errorIn, evidenceIn, type Heard, ProviderProcess } from './provider-process.ts';

/** One thing that a provider has to do, and whether it did. */
export interface ConformanceRow {
  readonly name: string;
  readonly state: 'pass' | 'fail' | 'skip';
  readonly detail: string;
}

export interface ConformanceOptions {
  readonly command: readonly string[];
  readonly contract: CompiledContract;
  readonly timeoutMs: number;
}

/** Largest answer that a server reads, in bytes. */
const ANSWER_BYTES_MAX = 1_048_576;

/** Why a provider did not do what it has to; `undefined`: it did. */
type Verdict = string | undefined;

/** Asks a provider what a server would ask, and what a broken caller would send. Rows come as they are known. */
export async function* checkProvider(
  options: ConformanceOptions,
  say: Messages,
): AsyncGenerator<ConformanceRow, void, undefined> {
  const trial = new Trial(options, say);
  const rows = say.conformance;
  try {
    for (const [name, question] of questionsFor(options.contract, trial, say)) {
      const verdict = await question();
      yield rowOf(name, verdict);
      // What it has not said yet would be taken for the answer to something else.
      if (verdict !== undefined) await trial.end();
      // Who never speaks fails everything else in the same way, a timeout each.
      if (!trial.heardAnything) return;
    }
    for (const { check_id, examples } of options.contract.contract.checks) {
      if (examples.length > 0) continue;
      yield { name: check_id, state: 'skip', detail: rows.noExamples };
    }
    const ended = await trial.end();
    yield rowOf(rows.ends, ended ? undefined : rows.didNotEnd(options.timeoutMs));
  } finally {
    await trial.end();
  }
}

function* questionsFor(
  { checks }: CompiledContract,
  trial: Trial,
  { conformance: rows }: Messages,
): Generator<readonly [string, () => Promise<Verdict>], void, undefined> {
  for (const { check, result } of checks.values()) {
    for (const example of check.examples) {
      const name = `${check.check_id}: ${example.description}`;
      yield [name, () => trial.example({ check, result }, example)];
    }
    if (check.params_required) {
      yield [`${check.check_id}: ${rows.paramsMissing}`, () => trial.refuses(check.check_id)];
    }
  }
  yield [rows.unknownCheck, () => trial.refuses('no_such_check', {})];
  yield [rows.unknownMethod, () => trial.unknownMethod()];
  const [any] = checks.values();
  if (any === undefined) return;
  const { check } = any;
  yield [rows.correlation, () => trial.correlation(check)];
  yield [rows.notJson, () => trial.survives(check, frameOf('{"jsonrpc":'))];
  yield [rows.notRequest, () => trial.survives(check, frameOf('[]'))];
  yield [rows.pieces, () => trial.pieces(check)];
  yield [rows.together, () => trial.together(check)];
}

function rowOf(name: string, verdict: Verdict): ConformanceRow {
  return { name, state: verdict === undefined ? 'pass' : 'fail', detail: verdict ?? '' };
}

/** The conversation. A provider whose process has ended is started again, so that every row has its own verdict. */
class Trial {
  /** Whether there was ever an answer. */
  heardAnything = false;

  readonly #options: ConformanceOptions;
  readonly #say: Messages;
  #process: ProviderProcess | undefined;
  #id = 0;

  constructor(options: ConformanceOptions, say: Messages) {
    this.#options = options;
    this.#say = say;
  }

  async example(
    { check, result: fits }: Pick<CompiledCheck, 'check' | 'result'>,
    { params, result }: scenario.CheckContract['examples'][number],
  ): Promise<Verdict> {
    const heard = await this.#ask(this.#question(check.check_id, params));
    const evidence = this.#evidence(heard);
    if (typeof evidence === 'string') return evidence;
    const { error, value, evidence_hash } = evidence;
    if (error !== null) return this.#say.conformance.refused(error.code, error.message);
    const json = value === null ? null : value.kind === 'json' ? value.value : undefined;
    // Bytes are of no JSON type that a schema could describe.
    if (json === undefined) return undefined;
    const misfit = value === null && result === null ? undefined : fits(json);
    if (misfit !== undefined) return this.#say.conformance.misfit(canonical(json), misfit);
    if (check.determinism === 'deterministic' && canonical(json) !== canonical(result)) {
      return this.#say.conformance.differs(canonical(json), canonical(result));
    }
    return evidence_hash === null || evidence_hash.value === digest(json).value
      ? undefined
      : this.#say.conformance.hashDiffers;
  }

  /** Whether a question without an answer gets an error with a code. */
  async refuses(checkId: string, params?: Json): Promise<Verdict> {
    const heard = await this.#ask(this.#question(checkId, params));
    if (heard.kind === 'answer' && errorIn(heard.message) !== undefined) return undefined;
    const evidence = this.#evidence(heard);
    if (typeof evidence === 'string') return evidence;
    if (evidence.error === null) return this.#say.conformance.notRefused;
    return evidence.error.code.trim() === '' ? this.#say.conformance.noCode : undefined;
  }

  /** A text as id, as servers use it when the caller named the request, and the same in the context. */
  async correlation(check: scenario.CheckContract): Promise<Verdict> {
    const id = 'conformance-1';
    const { params } = check.examples[0] ?? {};
    const heard = await this.#ask(this.#question(check.check_id, params, id));
    const evidence = this.#evidence(heard);
    if (typeof evidence === 'string') return evidence;
    const echoed = heard.kind === 'answer' ? member(heard.message, 'id') : undefined;
    return echoed === id ? undefined : this.#say.conformance.otherId;
  }

  async unknownMethod(): Promise<Verdict> {
    const heard = await this.#ask(
      frameOf(canonical({ jsonrpc: '2.0', id: this.#nextId(), method: 'no/such', params: {} })),
    );
    if (heard.kind !== 'answer') return this.#unheard(heard);
    return errorIn(heard.message) === undefined ? this.#say.conformance.notRefused : undefined;
  }

  /** Whether it still answers after something that makes no sense. That may have an error as its answer, or none. */
  async survives(check: scenario.CheckContract, nonsense: string): Promise<Verdict> {
    const id = this.#nextId();
    const { params } = check.examples[0] ?? {};
    await this.#running().send(nonsense, this.#question(check.check_id, params, id));
    for (;;) {
      const heard = await this.#hear();
      if (heard.kind !== 'answer') return this.#unheard(heard);
      if (member(heard.message, 'id') === id) return this.#broken(heard);
      if (errorIn(heard.message) === undefined) return this.#say.conformance.notRefused;
    }
  }

  /** A frame that arrives in pieces, with a header line that is not needed. */
  async pieces(check: scenario.CheckContract): Promise<Verdict> {
    const { params } = check.examples[0] ?? {};
    const frame = this.#question(check.check_id, params);
    const middle = Math.floor(frame.length / 2);
    await this.#running().send(
      'Content-Type: application/json\r\n',
      frame.slice(0, 9),
      frame.slice(9, middle),
      frame.slice(middle),
    );
    return this.#broken(await this.#hear());
  }

  /** Two frames in one piece are two questions, answered in order. */
  async together(check: scenario.CheckContract): Promise<Verdict> {
    const ids = [this.#nextId(), this.#nextId()];
    const { params } = check.examples[0] ?? {};
    const questions = ids.map((id) => this.#question(check.check_id, params, id));
    await this.#running().send(questions.join(''));
    for (const id of ids) {
      const heard = await this.#hear();
      const broken = this.#broken(heard);
      if (broken !== undefined) return broken;
      if (heard.kind === 'answer' && member(heard.message, 'id') !== id) {
        return this.#say.conformance.otherId;
      }
    }
    return undefined;
  }

  /** Ends its input. Whether the process ended with it, if there was one. */
  async end(): Promise<boolean> {
    const running = this.#process;
    this.#process = undefined;
    return running === undefined || running.close();
  }

  #question(
    checkId: string,
    params: Json | undefined,
    id: string | number = this.#nextId(),
  ): string {
    const query = {
      provider_id: this.#options.contract.contract.provider_id,
      check_id: checkId,
      ...(params === undefined || params === null ? {} : { params }),
    };
    const context: scenario.EvidenceContext = {
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'conformance',
      scenario_id: 'conformance',
      stage_id: 'main',
      trigger_id: 'trigger-1',
      trigger_time: { kind: 'unix_millis', value: 1_710_000_000_000 },
      correlation_id: typeof id === 'string' ? id : null,
    };
    const call = { name: 'evidence_query', arguments: { query, context } };
    return frameOf(canonical({ jsonrpc: '2.0', id, method: 'tools/call', params: call }));
  }

  #nextId(): number {
    this.#id += 1;
    return this.#id;
  }

  async #ask(frame: string): Promise<Heard> {
    await this.#running().send(frame);
    return this.#hear();
  }

  async #hear(): Promise<Heard> {
    const heard = await this.#running().hear();
    this.heardAnything ||= heard.kind === 'answer';
    return heard;
  }

  #running(): ProviderProcess {
    this.#process ??= new ProviderProcess(this.#options.command, this.#options.timeoutMs);
    return this.#process;
  }

  #evidence(heard: Heard): scenario.EvidenceResult | string {
    if (heard.kind !== 'answer') return this.#unheard(heard);
    if (heard.bytes > ANSWER_BYTES_MAX) return this.#say.conformance.tooLarge(heard.bytes);
    return errorIn(heard.message) ?? evidenceIn(heard.message);
  }

  #broken(heard: Heard): Verdict {
    const evidence = this.#evidence(heard);
    return typeof evidence === 'string' ? evidence : undefined;
  }

  #unheard(heard: Exclude<Heard, { kind: 'answer' }>): string {
    const { silence, ended, noise } = this.#say.conformance;
    if (heard.kind === 'silence') return silence(this.#options.timeoutMs);
    return heard.kind === 'ended' ? ended : noise;
  }
}

/** A contract with its schemas compiled, or the first reason why it is none that a server takes. */
export function contractOf(json: Json): CompiledContract | string {
  const decoded = scenario.providerContract(json);
  if (!decoded.ok) return `${decoded.pointer} ${decoded.text}`.trim();
  if (decoded.value.transport !== 'mcp') return 'transport must be `mcp`';
  let contract: CompiledContract;
  try {
    contract = compileContract(decoded.value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  for (const { check, params, result } of contract.checks.values()) {
    for (const example of check.examples) {
      const name = `example \`${example.description}\` of \`${check.check_id}\``;
      const fault = example.params === null ? undefined : params(example.params);
      if (fault !== undefined) return `${name}: params: ${fault}`;
      const untrue = result(example.result);
      if (untrue !== undefined) return `${name}: result: ${untrue}`;
    }
  }
  return contract;
}
