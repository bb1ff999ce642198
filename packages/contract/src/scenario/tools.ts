import { inputSchemas } from './schemas.ts';
import type { Schema } from './spec-schema.ts';

/** The tools of the scenario protocol, in the order in which they are listed. */
export const TOOL_NAMES = [
  'scenario_define',
  'scenario_start',
  'scenario_status',
  'scenario_next',
  'scenario_submit',
  'scenario_trigger',
  'evidence_query',
  'runpack_export',
  'runpack_verify',
  'providers_list',
  'provider_contract_get',
  'provider_check_schema_get',
  'schemas_register',
  'schemas_list',
  'schemas_get',
  'scenarios_list',
  'precheck',
  'decision_gate_docs_search',
] as const;

export type ToolName = (typeof TOOL_NAMES)[number];

export interface ToolRow {
  readonly description: string;
  /** JSON Schema (draft 2020-12) of the arguments, as wide as the decoder. */
  readonly inputSchema: Schema;
}

const DESCRIPTIONS = {
  scenario_define:
    'Registers a scenario: its stages, gates and conditions. A definition never changes; its hash names it.',
  scenario_start: 'Begins a run of a scenario and returns its state.',
  scenario_status:
    'Says where a run stands, with its last decision and what it waits for. The run keeps note of the question.',
  scenario_next:
    'Asks to go on: collects evidence, evaluates the gates of the stage and returns the recorded decision. Only gates that are shown true open; anything unknown holds the run.',
  scenario_submit:
    'Keeps a piece of content with a run, for the record. It never counts as evidence.',
  scenario_trigger:
    'Lets an event evaluate a run as `scenario_next` does; a `tick` can also let the time of a stage run out.',
  evidence_query:
    'Asks one check of one provider, outside of any run. Values are left out unless the server discloses them.',
  runpack_export:
    'Writes a run as a bundle of canonical files whose hashes a third party can verify offline.',
  runpack_verify: 'Verifies a bundle that lies on the server and returns the report.',
  providers_list: 'Names the providers of evidence and their checks.',
  provider_contract_get: 'Returns the contract of a provider and its hash.',
  provider_check_schema_get:
    'Returns what one check takes and gives: its schemas, comparators and examples.',
  schemas_register: 'Registers a JSON Schema of payloads under an id and a version, for good.',
  schemas_list: 'Lists the registered schemas of a namespace, page by page.',
  schemas_get: 'Returns one version of a registered schema.',
  scenarios_list: 'Lists the scenarios of a namespace that are open to a tenant, page by page.',
  precheck:
    'Evaluates a stage over evidence that the caller asserts. Nothing is recorded and no provider is asked.',
  decision_gate_docs_search:
    'Searches the documentation of this server and returns the sections that fit best.',
} as const satisfies Record<ToolName, string>;

/** What callers are told of each tool. */
export const tools = Object.fromEntries(
  TOOL_NAMES.map((name): [ToolName, ToolRow] => [
    name,
    { description: DESCRIPTIONS[name], inputSchema: inputSchemas[name] },
  ]),
) as Readonly<Record<ToolName, ToolRow>>;
