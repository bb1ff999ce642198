export const HTTP = '[server]\ntransport = "http"\nbind = "127.0.0.1:0"\n';
export const AUTH = `${HTTP}[server.auth]\n`;
export const MCP = '[[providers]]\nname = "erp"\ntype = "mcp"\ncapabilities_path = "erp.json"\n';
export const RUNPACKS = '[runpack_storage]\ntype = "object_store"\nprovider = "s3"\n';
export const ASSETCORE =
  '[namespace.authority]\nmode = "assetcore_http"\n[namespace.authority.assetcore]\nbase_url = "https://core.example"\n';
export const STATIC = '[policy]\nengine = "static"\n';
export const ACL_RULE = '[[schema_registry.acl.rules]]\neffect = "deny"\n';

export const many = (count: number, item: string): string =>
  `[${Array(count).fill(item).join(', ')}]`;
export const tables = (count: number, table: string): string => Array(count).fill(table).join('\n');
export const long = (bytes: number): string => 'x'.repeat(bytes);

/** What is written, and what is said about it. */
type Refusal = readonly [string, string];

/** A value for keys, named table by table, that has to be something else. */
function mistyped(
  value: string,
  wanted: string,
  keys: readonly (readonly [table: string, names: string])[],
): Refusal[] {
  return keys.flatMap(([table, names]) =>
    names
      .split(' ')
      .map(
        (name): Refusal => [
          `[${table}]\n${name} = ${value}`,
          `config parse error: ${table}.${name} must be ${wanted}`,
        ],
      ),
  );
}

export const REFUSALS: Readonly<Record<string, readonly Refusal[]>> = {
  server: [
    ['[server]\ntransport = "http"', 'invalid config: http/sse transport requires bind address'],
    ['[server]\ntransport = "sse"', 'invalid config: http/sse transport requires bind address'],
    ...['localhost:4000', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '::1:4000', ':4000'].map(
      (bind): Refusal => [
        `[server]\ntransport = "http"\nbind = "${bind}"`,
        'invalid config: invalid bind address',
      ],
    ),
    ...['0.0.0.0:1', '[::]:1', '192.0.2.1:1'].map(
      (bind): Refusal => [
        `[server]\ntransport = "http"\nbind = "${bind}"`,
        'invalid config: non-loopback bind disallowed without auth policy',
      ],
    ),
    ['[server]\ntransport = "udp"', 'config parse error: server.transport must be one of'],
    ['[server]\nmode = "lax"', 'config parse error: server.mode must be one of'],
    [
      '[server]\ntls_termination = "x"',
      'config parse error: server.tls_termination must be one of',
    ],
    ['[server]\nmax_body_bytes = 0', 'invalid config: server.max_body_bytes must be at least 1'],
    [
      '[server.auth]\nmode = "bearer_token"\nbearer_tokens = ["t"]',
      'invalid config: stdio transport only supports local_only auth',
    ],
    [
      '[server.auth]\nmode = "mtls"\nmtls_subjects = ["CN=a"]',
      'invalid config: stdio transport only supports local_only auth',
    ],
    [
      '[server.tls]\ncert_path = "c"\nkey_path = "k"',
      'invalid config: stdio transport does not support server.tls',
    ],
    ['[server.limits]\nmax_inflight = 0', 'server.limits.max_inflight must be at least 1'],
    ...(['max_requests 0', 'max_requests 100001', 'window_ms 99', 'window_ms 60001'] as const).map(
      (one): Refusal => [
        `[server.limits.rate_limit]\n${one.replace(' ', ' = ')}`,
        `server.limits.rate_limit.${one.split(' ')[0]} must be from`,
      ],
    ),
    [
      '[server.limits.rate_limit]\nmax_entries = 0',
      'rate_limit.max_entries must be from 1 to 65536',
    ],
    ['[server.limits.rate_limit]\nmax_entries = 65537', 'max_entries must be from 1 to 65536'],
    [`${HTTP}[server.tls]\nkey_path = "k"`, 'config parse error: missing key server.tls.cert_path'],
    [`${HTTP}[server.tls]\ncert_path = "c"`, 'config parse error: missing key server.tls.key_path'],
    [`${HTTP}[server.tls]\ncert_path = " "\nkey_path = "k"`, 'cert_path must not be blank'],
    [`${HTTP}[server.tls]\ncert_path = "c"\nkey_path = ""`, 'key_path must not be blank'],
    ['[server.feedback.scenario_next]\ndefault = "evidence"', 'default exceeds'],
    [
      '[server.feedback.scenario_next]\nlocal_only_default = "evidence"',
      'local_only_default exceeds',
    ],
    ...['default', 'local_only_default', 'max'].map(
      (name): Refusal => [
        `[server.feedback.scenario_next]\n${name} = "all"`,
        `scenario_next.${name} must be one of "summary", "trace", "evidence"`,
      ],
    ),
    ['[server.tools]\nmode = "hide"', 'server.tools.mode must be one of "filter", "passthrough"'],
    ...['allowlist', 'denylist'].flatMap((name): Refusal[] => [
      [
        `[server.tools]\n${name} = ["scenario_drop"]`,
        `${name}[0] names no tool: \`scenario_drop\``,
      ],
      [`[server.tools]\n${name} = [" "]`, `server.tools.${name}[0] must not be blank`],
      [
        `[server.tools]\n${name} = ${many(129, '"precheck"')}`,
        `server.tools.${name} has more than 128 items`,
      ],
    ]),
  ],
  'server.auth': [
    [`${AUTH}mode = "basic"`, 'config parse error: server.auth.mode must be one of'],
    [`${AUTH}mode = "bearer_token"`, 'bearer_token auth requires server.auth.bearer_tokens'],
    [`${AUTH}mode = "mtls"`, 'mtls auth requires server.auth.mtls_subjects'],
    [`${AUTH}bearer_tokens = ${many(65, '"t"')}`, 'bearer_tokens has more than 64 items'],
    [`${AUTH}bearer_tokens = [""]`, 'bearer_tokens[0] must not be blank'],
    [`${AUTH}bearer_tokens = ["${long(257)}"]`, 'bearer_tokens[0] is longer than 256 bytes'],
    ...[' t', 't '].map(
      (token): Refusal => [
        `${AUTH}bearer_tokens = ["${token}"]`,
        'bearer_tokens[0] must not begin or end with white space',
      ],
    ),
    [`${AUTH}mtls_subjects = ${many(65, '"CN=a"')}`, 'mtls_subjects has more than 64 items'],
    [`${AUTH}mtls_subjects = ["${long(513)}"]`, 'mtls_subjects[0] is longer than 512 bytes'],
    [`${AUTH}allowed_tools = ${many(129, '"precheck"')}`, 'allowed_tools has more than 128 items'],
    [`${AUTH}allowed_tools = ["all"]`, 'server.auth.allowed_tools[0] names no tool: `all`'],
    [tables(65, '[[server.auth.principals]]\nsubject = "s"'), 'principals has more than 64 items'],
    [
      '[[server.auth.principals]]',
      'config parse error: missing key server.auth.principals[0].subject',
    ],
    [
      '[[server.auth.principals]]\nsubject = "s"\npolicy_class = " "',
      'policy_class must not be blank',
    ],
    [
      `[[server.auth.principals]]\nsubject = "s"\nroles = ${many(129, '{ name = "r" }')}`,
      'principals[0].roles has more than 128 items',
    ],
    [
      '[[server.auth.principals]]\nsubject = "s"\nroles = [{}]',
      'missing key server.auth.principals[0].roles[0].name',
    ],
    ...['tenant_id', 'namespace_id'].map(
      (name): Refusal => [
        `[[server.auth.principals]]\nsubject = "s"\nroles = [{ name = "r", ${name} = 0 }]`,
        `roles[0].${name} must be from 1 to 18446744073709551615`,
      ],
    ),
    [
      `${AUTH}bearer_tokens_file = "/nowhere/tokens"`,
      'config io error: server.auth.bearer_tokens_file: cannot read',
    ],
    [`${AUTH}bearer_tokens_env = "NOWHERE"`, 'names a variable that is not set: NOWHERE'],
    [`${AUTH}bearer_tokens_env = "LONG"`, 'server.auth has a bearer token longer than 256 bytes'],
  ],
  'namespace and dev': [
    [
      '[namespace]\nallow_default = true',
      'namespace.allow_default requires namespace.default_tenants',
    ],
    ['[namespace]\ndefault_tenants = [0]', 'namespace.default_tenants[0] must be from 1'],
    ['[namespace]\ndefault_tenants = [1.0]', 'must be an integer, not a float'],
    ['[namespace.authority]\nmode = "ldap"', 'namespace.authority.mode must be one of'],
    ['[namespace.authority]\nmode = "assetcore_http"', 'requires namespace.authority.assetcore'],
    [
      '[namespace.authority.assetcore]\nbase_url = "https://core.example"',
      'namespace.authority.assetcore is allowed only with',
    ],
    [ASSETCORE.replace(/base_url.*/, ''), 'missing key namespace.authority.assetcore.base_url'],
    [`${ASSETCORE}auth_token = " "`, 'assetcore.auth_token must not be blank'],
    [`${ASSETCORE}connect_timeout_ms = 99`, 'connect_timeout_ms must be from 100 to 10000'],
    [`${ASSETCORE}connect_timeout_ms = 10001`, 'connect_timeout_ms must be from 100 to 10000'],
    [`${ASSETCORE}request_timeout_ms = 499`, 'request_timeout_ms must be from 500 to 30000'],
    [`${ASSETCORE}request_timeout_ms = 30001`, 'request_timeout_ms must be from 500 to 30000'],
    [
      `${ASSETCORE}[dev]\npermissive = true`,
      'dev.permissive is not allowed with namespace.authority',
    ],
    [`${ASSETCORE}[server]\nmode = "dev_permissive"`, 'dev.permissive is not allowed with'],
    [
      '[dev]\npermissive_scope = "everything"',
      'dev.permissive_scope must be "asserted_evidence_only"',
    ],
    ['[dev]\npermissive_ttl_days = 0', 'dev.permissive_ttl_days must be at least 1'],
    [
      '[dev]\npermissive = "yes"',
      'config parse error: dev.permissive must be true or false, not a text',
    ],
  ],
  'trust, evidence, anchors, discovery, validation': [
    [
      '[trust]\ndefault_policy = "sign"',
      'config parse error: trust.default_policy must be "audit"',
    ],
    ['[trust]\ndefault_policy = {}', 'missing key trust.default_policy.require_signature'],
    [
      '[trust]\ndefault_policy = { require_signature = {} }',
      'missing key trust.default_policy.require_signature.keys',
    ],
    ['[trust]\nmin_lane = "any"', 'trust.min_lane must be one of "verified", "asserted"'],
    [
      '[evidence]\nallow_raw_values = 1',
      'evidence.allow_raw_values must be true or false, not an integer',
    ],
    ...['provider_id', 'anchor_type', 'required_fields'].map(
      (name): Refusal => [
        `[[anchors.providers]]\nprovider_id = "p"\nanchor_type = "a"\nrequired_fields = ["f"]`.replace(
          new RegExp(`${name} = .*`),
          '',
        ),
        `missing key anchors.providers[0].${name}`,
      ],
    ),
    [
      '[[anchors.providers]]\nprovider_id = " p"\nanchor_type = "a"\nrequired_fields = ["f"]',
      'provider_id must not begin or end with white space',
    ],
    [
      tables(
        2,
        '[[anchors.providers]]\nprovider_id = "p"\nanchor_type = "a"\nrequired_fields = ["f"]',
      ),
      'anchors.providers names a provider_id twice',
    ],
    [
      '[[anchors.providers]]\nprovider_id = "p"\nanchor_type = "a"\nrequired_fields = []',
      'p requires at least one of required_fields',
    ],
    [
      '[[anchors.providers]]\nprovider_id = "p"\nanchor_type = "a"\nrequired_fields = [" "]',
      'required_fields[0] must not be blank',
    ],
    ['[provider_discovery]\nallowlist = [""]', 'provider_discovery.allowlist[0] must not be blank'],
    ['[provider_discovery]\ndenylist = [""]', 'provider_discovery.denylist[0] must not be blank'],
    ['[provider_discovery]\nmax_response_bytes = 0', 'max_response_bytes must be at least 1'],
    ['[validation]\nstrict = false', 'strict = false requires validation.allow_permissive = true'],
    ['[validation]\nprofile = "loose"', 'validation.profile must be "strict_core_v1"'],
  ],
  providers: [
    ['[[providers]]\ntype = "builtin"', 'missing key providers[0].name'],
    ['[[providers]]\nname = "time"', 'missing key providers[0].type'],
    ['[[providers]]\nname = "time"\ntype = "other"', 'type must be one of "builtin", "mcp"'],
    ['[[providers]]\nname = ""\ntype = "mcp"', 'providers[0].name must not be blank'],
    ['[[providers]]\nname = " erp"\ntype = "mcp"', 'name must not begin or end with white space'],
    [tables(2, '[[providers]]\nname = "time"\ntype = "builtin"'), 'providers names `time` twice'],
    ['[[providers]]\nname = "clock"\ntype = "builtin"', 'no builtin provider is called `clock`'],
    [`${MCP.replace('erp', 'time')}command = ["x"]`, '`time` is the name of a builtin provider'],
    ...(
      [
        'command = ["x"]',
        'url = "https://a.example"',
        'allow_insecure_http = true',
        'capabilities_path = "c"',
        'auth = { bearer_token = "t" }',
        'lane_max = "asserted"',
      ] as const
    ).map(
      (line): Refusal => [
        `[[providers]]\nname = "time"\ntype = "builtin"\n${line}`,
        `providers[0].${line.split(' ')[0]} is not for builtin providers`,
      ],
    ),
    [MCP, 'providers[0] requires command or url'],
    [`${MCP}command = [" "]`, 'providers[0].command must begin with a program'],
    [`${MCP}url = "http://erp.example"`, 'requires providers[0].allow_insecure_http = true'],
    [`${MCP}url = "ftp://erp.example"`, 'providers[0].url must be an http or https URL'],
    [
      '[[providers]]\nname = "erp"\ntype = "mcp"\ncommand = ["x"]',
      'providers[0] requires capabilities_path',
    ],
    [`${MCP}command = ["x"]\nauth = { bearer_token = " " }`, 'auth.bearer_token must not be blank'],
    [`${MCP}command = ["x"]\ntrust = "sign"`, 'providers[0].trust must be "audit"'],
    [`${MCP}command = ["x"]\nauth = {}`, 'providers[0].auth requires bearer_token'],
    [`${MCP}command = ["x"]\nconfig = {}`, 'providers[0].config is for builtin providers only'],
    ...(
      [
        ['{ connect_timeout_ms = 99 }', 'connect_timeout_ms must be from 100 to 10000'],
        ['{ connect_timeout_ms = 10001 }', 'connect_timeout_ms must be from 100 to 10000'],
        ['{ request_timeout_ms = 499 }', 'request_timeout_ms must be from 500 to 30000'],
        ['{ request_timeout_ms = 30001 }', 'request_timeout_ms must be from 500 to 30000'],
        ['{ request_timeout_ms = 1000 }', 'request_timeout_ms must be at least'],
      ] as const
    ).map(([timeouts, text]): Refusal => [`${MCP}command = ["x"]\ntimeouts = ${timeouts}`, text]),
    ['[[providers]]\nname = "json"\ntype = "builtin"', 'missing key providers[0].config.root'],
    [
      '[[providers]]\nname = "json"\ntype = "builtin"\nconfig = { root = "e" }',
      'missing key providers[0].config.root_id',
    ],
    ...['Upper', '', 'a b', 'x'.repeat(65)].map(
      (id): Refusal => [
        `[[providers]]\nname = "json"\ntype = "builtin"\nconfig = { root = "e", root_id = "${id}" }`,
        'root_id must be 1 to 64 of',
      ],
    ),
    [
      '[[providers]]\nname = "http"\ntype = "builtin"\nconfig = { hash_algorithm = "md5" }',
      'hash_algorithm must be "sha256"',
    ],
    [
      '[[providers]]\nname = "env"\ntype = "builtin"\nconfig = { max_key_bytes = 0 }',
      'max_key_bytes must be at least 1',
    ],
    [
      '[[providers]]\nname = "env"\ntype = "builtin"\nconfig = { overrides = { A = 1 } }',
      'overrides.A must be a text',
    ],
    [
      '[[providers]]\nname = "time"\ntype = "builtin"\nconfig = { root = "e" }',
      'unknown key providers[0].config.root',
    ],
  ],
  stores: [
    ...['run_state_store', 'schema_registry'].flatMap((store): Refusal[] => [
      [`[${store}]\ntype = "files"`, `config parse error: ${store}.type must be one of`],
      [`[${store}]\ntype = "sqlite"`, `${store}.type = "sqlite" requires ${store}.path`],
      [`[${store}]\npath = "a.db"`, `${store}.path is allowed only with ${store}.type = "sqlite"`],
      [`[${store}]\ntype = "sqlite"\npath = ""`, `${store}.path must not be blank`],
      [`[${store}]\njournal_mode = "off"`, `${store}.journal_mode must be one of "wal", "delete"`],
      [`[${store}]\nsync_mode = "off"`, `${store}.sync_mode must be one of "full", "normal"`],
      [`[${store}]\nbusy_timeout_ms = -1`, `${store}.busy_timeout_ms must be at least 0`],
    ]),
    [
      `[run_state_store]\ntype = "sqlite"\npath = "${long(256)}"`,
      'component longer than 255 bytes',
    ],
    [`[run_state_store]\ntype = "sqlite"\npath = "${'x/'.repeat(2049)}"`, 'longer than 4096 bytes'],
    ['[run_state_store]\nmax_versions = 0', 'run_state_store.max_versions must be at least 1'],
    ['[schema_registry]\nmax_schema_bytes = 0', 'max_schema_bytes must be from 1 to 10485760'],
    [
      '[schema_registry]\nmax_schema_bytes = 10485761',
      'max_schema_bytes must be from 1 to 10485760',
    ],
    ['[schema_registry]\nmax_entries = 0', 'schema_registry.max_entries must be at least 1'],
    ['[schema_registry.acl]\nmode = "open"', 'schema_registry.acl.mode must be one of'],
    ['[schema_registry.acl]\ndefault = "ask"', 'schema_registry.acl.default must be one of'],
    [tables(257, ACL_RULE), 'schema_registry.acl.rules has more than 256 items'],
    ['[[schema_registry.acl.rules]]', 'missing key schema_registry.acl.rules[0].effect'],
    [ACL_RULE.replace('deny', 'error'), 'rules[0].effect must be one of "allow", "deny"'],
    [`${ACL_RULE}actions = ["drop"]`, 'actions[0] must be one of "register", "list", "get"'],
    ['[runpack_storage]\nprovider = "s3"\nbucket = "b"', 'missing key runpack_storage.type'],
    [
      '[runpack_storage]\ntype = "object_store"\nbucket = "b"',
      'missing key runpack_storage.provider',
    ],
    [RUNPACKS, 'missing key runpack_storage.bucket'],
    [`${RUNPACKS}bucket = " "`, 'runpack_storage.bucket must not be blank'],
    [RUNPACKS.replace('s3', 'gcs'), 'runpack_storage.provider must be "s3"'],
    [RUNPACKS.replace('object_store', 'disk'), 'runpack_storage.type must be "object_store"'],
    [`${RUNPACKS}bucket = "b"\nendpoint = "s3.example"`, 'endpoint must be an http or https URL'],
    [
      `${RUNPACKS}bucket = "b"\nendpoint = "http://s3.example"`,
      'requires runpack_storage.allow_http',
    ],
    ...['/a', 'a/../b', '..', 'a//b', 'a\\\\b', './a'].map(
      (prefix): Refusal => [
        `${RUNPACKS}bucket = "b"\nprefix = "${prefix}"`,
        'runpack_storage.prefix must be relative',
      ],
    ),
  ],
  docs: [
    [`[docs]\nextra_paths = ${many(65, '"d"')}`, 'docs.extra_paths has more than 64 items'],
    ...(
      [
        ['max_doc_bytes', 1_048_576],
        ['max_total_bytes', 8_388_608],
        ['max_docs', 256],
        ['max_sections', 10],
      ] as const
    ).flatMap(([name, max]): Refusal[] =>
      [0, max + 1].map((value) => [
        `[docs]\n${name} = ${value}`,
        `docs.${name} must be from 1 to ${max}`,
      ]),
    ),
  ],
  policy: [
    ['[policy]\nengine = "opa"', 'policy.engine must be one of'],
    [STATIC, 'policy.engine = "static" requires policy.static'],
    ['[policy.static]', 'policy.static is allowed only with policy.engine = "static"'],
    [`${STATIC}static = { default = "error" }`, 'policy.static.default must be one of'],
    [`${STATIC}[[policy.static.rules]]`, 'missing key policy.static.rules[0].effect'],
    ...(
      [
        ['effect = "permit"', 'requires at least one selector'],
        ['effect = "maybe"\nstage_ids = ["s"]', 'effect must be one of "permit", "deny", "error"'],
        ['effect = "error"\nstage_ids = ["s"]', 'requires policy.static.rules[0].error_message'],
        [
          'effect = "deny"\nerror_message = "no"\nstage_ids = ["s"]',
          'error_message is allowed only with',
        ],
        ['effect = "deny"\ntarget_kinds = ["fax"]', 'target_kinds[0] must be one of'],
        [
          'effect = "deny"\ntargets = [{}]',
          'missing key policy.static.rules[0].targets[0].target_kind',
        ],
        [
          'effect = "deny"\ntargets = [{ target_kind = "fax" }]',
          'targets[0].target_kind must be one of',
        ],
        [
          'effect = "deny"\ntargets = [{ target_kind = "external" }]',
          'requires system or target for an external target',
        ],
        [
          'effect = "deny"\ntargets = [{ target_kind = "external", target_id = "a", system = "s" }]',
          'target_id is not for external targets',
        ],
        [
          'effect = "deny"\ntargets = [{ target_kind = "agent", system = "s" }]',
          'are for external targets only',
        ],
      ] as const
    ).map(([rule, text]): Refusal => [`${STATIC}[[policy.static.rules]]\n${rule}`, text]),
  ],
  'values of another type': [
    ...mistyped('1', 'true or false, not an integer', [
      ['server.audit', 'enabled log_precheck_payloads'],
      ['namespace', 'allow_default'],
      ['dev', 'permissive permissive_warn'],
      ['evidence', 'allow_raw_values require_provider_opt_in'],
      ['validation', 'strict allow_permissive enable_lexicographic enable_deep_equals'],
      ['schema_registry.acl', 'allow_local_only require_signing'],
      ['docs', 'enabled enable_search enable_resources include_default_docs'],
    ]),
    ...mistyped('1.5', 'an integer, not a float', [
      ['server', 'max_body_bytes'],
      ['server.limits', 'max_inflight'],
      ['server.limits.rate_limit', 'max_requests window_ms max_entries'],
      ['dev', 'permissive_ttl_days'],
      ['provider_discovery', 'max_response_bytes'],
      ['run_state_store', 'busy_timeout_ms max_versions'],
      ['schema_registry', 'busy_timeout_ms max_schema_bytes max_entries'],
      ['docs', 'max_doc_bytes max_total_bytes max_docs max_sections'],
    ]),
    ...mistyped('"x"', 'a list, not a text', [
      [
        'server.feedback.scenario_next',
        'trace_subjects trace_roles evidence_subjects evidence_roles',
      ],
      ['server.tools', 'allowlist denylist'],
      ['server.auth', 'bearer_tokens mtls_subjects allowed_tools principals'],
      ['namespace', 'default_tenants'],
      ['dev', 'permissive_exempt_providers'],
      ['anchors', 'providers'],
      ['provider_discovery', 'allowlist denylist'],
      ['schema_registry.acl', 'rules'],
      ['docs', 'extra_paths'],
    ]),
    ...mistyped('1', 'a text, not an integer', [
      ['server', 'bind'],
      ['server.audit', 'path'],
      ['run_state_store', 'path'],
      ['schema_registry', 'path'],
    ]),
  ],
};
