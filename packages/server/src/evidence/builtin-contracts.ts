import { scenario } from '@countersign/policy';

type Check = scenario.CheckContract;
type Json = Check['params_schema'];

const EQUALITY = ['equals', 'not_equals'] as const;
const ORDER = ['greater_than', 'greater_than_or_equal', 'less_than', 'less_than_or_equal'] as const;
const PRESENCE = ['exists', 'not_exists'] as const;

/** An object with these members and no others. */
function closed(properties: Readonly<Record<string, Json>>, required: readonly string[]): Json {
  return { type: 'object', additionalProperties: false, properties, required };
}

const TIMESTAMP: Json = {
  oneOf: [{ type: 'integer' }, { type: 'string' }],
  description: 'Unix milliseconds or a logical time as integer, or an RFC 3339 date-time.',
};
const THRESHOLD = closed({ timestamp: TIMESTAMP }, ['timestamp']);
const TRIGGER_TIME = ['trigger_time_unix_millis', 'trigger_time_logical'];
const JSON_TYPE = ['application/json'];

const time: scenario.ProviderContract = {
  provider_id: 'time',
  name: 'Time',
  description: 'The time of the trigger, and how it stands to an instant.',
  transport: 'builtin',
  config_schema: closed({ allow_logical: { type: 'boolean', default: true } }, []),
  checks: [
    {
      check_id: 'now',
      description: 'The trigger time as a number.',
      determinism: 'time_dependent',
      params_required: false,
      params_schema: closed({}, []),
      result_schema: { type: 'integer' },
      allowed_comparators: [...EQUALITY, ...ORDER, 'in_set', ...PRESENCE],
      anchor_types: TRIGGER_TIME,
      content_types: JSON_TYPE,
      examples: [{ description: 'The trigger time.', params: {}, result: 1_710_000_000_000 }],
    },
    thresholdCheck('after', 'later than', true),
    thresholdCheck('before', 'earlier than', false),
  ],
  notes: [
    'The only clock is the time that the trigger names; equal times are neither after nor before.',
  ],
};

function thresholdCheck(check_id: string, relation: string, result: boolean): Check {
  return {
    check_id,
    description: `Whether the trigger time is ${relation} a threshold.`,
    determinism: 'time_dependent',
    params_required: true,
    params_schema: THRESHOLD,
    result_schema: { type: 'boolean' },
    allowed_comparators: [...EQUALITY, 'in_set', ...PRESENCE],
    anchor_types: TRIGGER_TIME,
    content_types: JSON_TYPE,
    examples: [
      {
        description: `A trigger at 1710000000000 against 1700000000000.`,
        params: { timestamp: 1_700_000_000_000 },
        result,
      },
    ],
  };
}

const env: scenario.ProviderContract = {
  provider_id: 'env',
  name: 'Environment',
  description: 'Variables of the environment that the server runs in.',
  transport: 'builtin',
  config_schema: closed(
    {
      allowlist: { type: 'array', items: { type: 'string' } },
      denylist: { type: 'array', items: { type: 'string' }, default: [] },
      max_value_bytes: { type: 'integer', default: 65_536 },
      max_key_bytes: { type: 'integer', default: 255 },
      overrides: { type: 'object', additionalProperties: { type: 'string' } },
    },
    [],
  ),
  checks: [
    {
      check_id: 'get',
      description: 'The value of a variable; no value when it is not set.',
      determinism: 'external',
      params_required: true,
      params_schema: closed({ key: { type: 'string' } }, ['key']),
      result_schema: { oneOf: [{ type: 'string' }, { type: 'null' }] },
      allowed_comparators: [...EQUALITY, 'contains', 'in_set', ...PRESENCE],
      anchor_types: ['env'],
      content_types: ['text/plain'],
      examples: [
        {
          description: 'The deployment stage.',
          params: { key: 'DEPLOY_ENV' },
          result: 'production',
        },
      ],
    },
  ],
  notes: ['Variables that are blocked by policy are errors; variables that are not set are not.'],
};

const json: scenario.ProviderContract = {
  provider_id: 'json',
  name: 'JSON',
  description: 'Values of JSON and YAML documents below a directory.',
  transport: 'builtin',
  config_schema: closed(
    {
      root: { type: 'string' },
      root_id: { type: 'string' },
      max_bytes: { type: 'integer', default: 1_048_576 },
      allow_yaml: { type: 'boolean', default: true },
    },
    ['root', 'root_id'],
  ),
  checks: [
    {
      check_id: 'path',
      description: 'What a JSONPath selects of a document; the document itself without one.',
      determinism: 'external',
      params_required: true,
      params_schema: closed({ file: { type: 'string' }, jsonpath: { type: 'string' } }, ['file']),
      result_schema: { 'x-decision-gate': { dynamic_type: true } },
      allowed_comparators: [...scenario.SCENARIO_COMPARATORS],
      anchor_types: ['file_path_rooted'],
      content_types: ['application/json', 'application/yaml'],
      examples: [
        {
          description: 'Failed tests of a report.',
          params: { file: 'report.json', jsonpath: '$.summary.failed' },
          result: 0,
        },
      ],
    },
  ],
  notes: ['Several matches are an array in document order; JSONPath is that of RFC 9535.'],
};

const http: scenario.ProviderContract = {
  provider_id: 'http',
  name: 'HTTP',
  description: 'What an address answers to a GET.',
  transport: 'builtin',
  config_schema: closed(
    {
      allow_http: { type: 'boolean', default: false },
      timeout_ms: { type: 'integer', default: 5_000 },
      max_response_bytes: { type: 'integer', default: 1_048_576 },
      allowed_hosts: { type: 'array', items: { type: 'string' } },
      user_agent: { type: 'string', default: 'decision-gate/0.1' },
      hash_algorithm: { type: 'string', default: 'sha256' },
    },
    [],
  ),
  checks: [
    {
      check_id: 'status',
      description: 'The status code.',
      determinism: 'external',
      params_required: true,
      params_schema: closed({ url: { type: 'string' } }, ['url']),
      result_schema: { type: 'integer' },
      allowed_comparators: [...EQUALITY, ...ORDER, 'in_set', ...PRESENCE],
      anchor_types: ['url'],
      content_types: JSON_TYPE,
      examples: [
        {
          description: 'A health page.',
          params: { url: 'https://status.example.com/health' },
          result: 200,
        },
      ],
    },
    {
      check_id: 'body_hash',
      description: 'The SHA-256 of the body.',
      determinism: 'external',
      params_required: true,
      params_schema: closed({ url: { type: 'string' } }, ['url']),
      result_schema: closed(
        { algorithm: { type: 'string', enum: ['sha256'] }, value: { type: 'string' } },
        ['algorithm', 'value'],
      ),
      allowed_comparators: [...PRESENCE],
      anchor_types: ['url'],
      content_types: JSON_TYPE,
      examples: [
        {
          description: 'An empty body.',
          params: { url: 'https://files.example.com/empty' },
          result: {
            algorithm: 'sha256',
            value: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
          },
        },
      ],
    },
  ],
  notes: ['Redirects are not followed; addresses inside the server’s own network are refused.'],
};

export const BUILTIN_CONTRACTS = { time, env, json, http } as const;
