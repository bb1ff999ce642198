import { type Json, scenario } from '@countersign/policy';
import type { RunpackFiles } from './files.ts';
import { RUNPACK_LOGS, type RunpackManifest } from './layout.ts';

/** What a run's own logs are called in its state, by the file that holds them. */
export const LOG_MEMBERS = {
  'artifacts/triggers.json': 'triggers',
  'artifacts/gate_evals.json': 'gate_evals',
  'artifacts/decisions.json': 'decisions',
  'artifacts/packets.json': 'packets',
  'artifacts/submissions.json': 'submissions',
  'artifacts/tool_calls.json': 'tool_calls',
} as const;
type LogPath = keyof typeof LOG_MEMBERS;
export type LogMember = (typeof LOG_MEMBERS)[LogPath];

/** The logs of a run, decoded. */
export type RunLogs = Pick<scenario.RunState, LogMember>;

/** Names of the files in what is reported of them. */
const NAMES = {
  'artifacts/scenario_spec.json': 'scenario spec',
  'artifacts/triggers.json': 'trigger log',
  'artifacts/gate_evals.json': 'gate eval log',
  'artifacts/decisions.json': 'decision log',
  'artifacts/packets.json': 'packet log',
  'artifacts/submissions.json': 'submission log',
  'artifacts/tool_calls.json': 'tool transcript',
} as const satisfies Record<(typeof RUNPACK_LOGS)[number]['path'], string>;

export type Loaded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: string };

/** Reads and decodes one log. */
export async function loadLog<Path extends LogPath>(
  files: RunpackFiles,
  path: Path,
): Promise<Loaded<RunLogs[(typeof LOG_MEMBERS)[Path]]>> {
  const member = LOG_MEMBERS[path];
  return load(files, path, (json) => {
    const decoded = scenario.runState({ ...HEADER, ...scenario.NOTHING_RECORDED, [member]: json });
    return decoded.ok ? { ok: true, value: decoded.value[member] } : decoded;
  });
}

export function loadSpec(files: RunpackFiles): Promise<Loaded<scenario.ScenarioSpec>> {
  return load(files, 'artifacts/scenario_spec.json', scenario.scenarioSpec);
}

async function load<Value>(
  files: RunpackFiles,
  path: keyof typeof NAMES,
  decode: (json: Json) => scenario.Decoded<Value>,
): Promise<Loaded<Value>> {
  const read = await files.json(path);
  if (!read.ok) {
    const error =
      read.what === 'read'
        ? `${NAMES[path]} read failed: ${read.reason}`
        : `invalid ${NAMES[path]}: ${read.reason}`;
    return { ok: false, error };
  }
  const decoded = decode(read.value);
  if (decoded.ok) return decoded;
  const { pointer, text } = decoded;
  const where = pointer === '' ? text : `${pointer}: ${text}`;
  return { ok: false, error: `invalid ${NAMES[path]}: ${where}` };
}

/** A pack whose contents could all be read. */
export interface RunpackContent {
  readonly manifest: RunpackManifest;
  readonly spec: scenario.ScenarioSpec;
  readonly logs: RunLogs;
}

/** Reads everything, or says what cannot be read. */
export async function loadContent(
  files: RunpackFiles,
  manifest: RunpackManifest,
): Promise<
  | { readonly ok: true; readonly content: RunpackContent }
  | { readonly ok: false; readonly errors: readonly string[] }
> {
  const spec = await loadSpec(files);
  const triggers = await loadLog(files, 'artifacts/triggers.json');
  const gateEvals = await loadLog(files, 'artifacts/gate_evals.json');
  const decisions = await loadLog(files, 'artifacts/decisions.json');
  const packets = await loadLog(files, 'artifacts/packets.json');
  const submissions = await loadLog(files, 'artifacts/submissions.json');
  const toolCalls = await loadLog(files, 'artifacts/tool_calls.json');
  if (
    spec.ok &&
    triggers.ok &&
    gateEvals.ok &&
    decisions.ok &&
    packets.ok &&
    submissions.ok &&
    toolCalls.ok
  ) {
    const logs = {
      triggers: triggers.value,
      gate_evals: gateEvals.value,
      decisions: decisions.value,
      packets: packets.value,
      submissions: submissions.value,
      tool_calls: toolCalls.value,
    };
    return { ok: true, content: { manifest, spec: spec.value, logs } };
  }
  const all = [spec, triggers, gateEvals, decisions, packets, submissions, toolCalls];
  return { ok: false, errors: all.flatMap((one) => (one.ok ? [] : [one.error])) };
}

/** A pack does not hold the header of a run. One in its place lets a single log be decoded as part of a run. */
const HEADER = {
  tenant_id: 1,
  namespace_id: 1,
  run_id: '',
  scenario_id: '',
  spec_hash: { algorithm: 'sha256', value: '0'.repeat(64) },
  current_stage_id: '',
  stage_entered_at: { kind: 'logical', value: 0 },
  status: 'active',
  dispatch_targets: [],
} as const;
