import { sha256Hex, utf8 } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { runpack } from '../src/index.ts';
import {
  type Content,
  hash,
  type Json,
  PATHS,
  type Pack,
  packOf,
  quickstart,
  quickstartContent,
  reportOf,
} from './runpacks.ts';

const PASS = { status: 'pass', checked_files: 8, errors: [] };
const ALL = { strict: true, replay: true };

/** The pack of the published example after a change of its contents, all hashes made anew. */
function changed(change: (content: Content) => void, header: Json = {}): Pack {
  const content = quickstartContent();
  change(content);
  return packOf(content, header);
}

function at(value: unknown, ...path: readonly (string | number)[]): Json {
  return path.reduce((inner, step) => (inner as Json)[step], value) as Json;
}

describe('a runpack that nobody touched', () => {
  it('has the published hashes', () => {
    const { files, manifest } = packOf(quickstartContent());
    for (const { path, sha256 } of [...quickstart.files, quickstart.report]) {
      expect([path, sha256Hex(files.get(path) ?? '')]).toEqual([path, sha256]);
    }
    expect(at(manifest, 'integrity', 'root_hash')['value']).toBe(quickstart.root_hash_with_report);
    const without = packOf(quickstartContent(), {}, false).manifest;
    expect(at(without, 'integrity', 'root_hash')['value']).toBe(quickstart.root_hash);
  });

  it('passes, also when everything is looked at', async () => {
    const pack = packOf(quickstartContent());
    expect(await reportOf(pack)).toEqual(PASS);
    expect(await reportOf(pack, ALL)).toEqual(PASS);
    const seven = packOf(quickstartContent(), {}, false);
    expect(await reportOf(seven, ALL)).toEqual({ ...PASS, checked_files: 7 });
  });
});

describe('bytes that are no manifest', () => {
  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a member twice', '{"manifest_version":"v1","manifest_version":"v1"}'],
    ['a manifest without members', '{"manifest_version":"v1"}'],
  ])('%s', async (_name, text) => {
    const verified = await runpack.verifyRunpack({
      manifest: utf8(text),
      manifestPath: 'manifest.json',
      read: async () => ({ ok: false, reason: 'file not found' }),
    });
    expect(verified.ok).toBe(false);
  });

  it('a manifest of another version is not looked into', async () => {
    const errors = ['unsupported manifest version: v2'];
    const pack = packOf(quickstartContent(), { manifest_version: 'v2', integrity: 'new' });
    expect(await reportOf(pack, ALL)).toEqual({ status: 'fail', checked_files: 0, errors });
  });
});

/** Changes to files or manifest that hashes do not follow. */
const DETECTED: readonly {
  readonly name: string;
  readonly tamper: (pack: Pack) => void;
  readonly checked?: number;
  readonly errors: readonly string[];
}[] = [
  {
    name: 'a file edited',
    tamper: ({ files }) => files.set(PATHS.triggers, '[]'),
    errors: ['hash mismatch for artifacts/triggers.json'],
  },
  {
    name: 'a file cut short',
    tamper: ({ files }) => files.set(PATHS.tool_calls, '['),
    errors: ['hash mismatch for artifacts/tool_calls.json'],
  },
  {
    name: 'a file removed',
    tamper: ({ files }) => files.delete(PATHS.packets),
    checked: 7,
    errors: ['artifact read failed for artifacts/packets.json: file not found'],
  },
  {
    name: 'the decisions removed',
    tamper: ({ files }) => files.delete(PATHS.decisions),
    checked: 7,
    errors: [
      'artifact read failed for artifacts/decisions.json: file not found',
      'decision log read failed: file not found',
    ],
  },
  {
    name: 'a listed hash edited',
    tamper: ({ manifest }) => {
      at(manifest, 'integrity', 'file_hashes', 1)['hash'] = hash('other');
    },
    errors: ['hash mismatch for artifacts/triggers.json', 'root hash mismatch'],
  },
  {
    name: 'the list in another order',
    tamper: ({ manifest }) => {
      (at(manifest, 'integrity')['file_hashes'] as Json[]).reverse();
    },
    errors: ['root hash mismatch'],
  },
  {
    name: 'a file left out of the list',
    tamper: ({ manifest }) => {
      (at(manifest, 'integrity')['file_hashes'] as Json[]).splice(5, 1);
    },
    checked: 7,
    errors: ['root hash mismatch'],
  },
  {
    name: 'another hash algorithm',
    tamper: ({ manifest }) => {
      manifest['hash_algorithm'] = 'sha512';
    },
    errors: ['hash algorithm mismatch'],
  },
];

describe('tampering that a report names', () => {
  it.each(DETECTED)('$name', async ({ tamper, checked = 8, errors }) => {
    const pack = packOf(quickstartContent());
    tamper(pack);
    expect(await reportOf(pack)).toEqual({ status: 'fail', checked_files: checked, errors });
  });

  it('a decision repeated, and every hash made anew', async () => {
    const pack = changed(({ decisions }) => decisions.push({ ...decisions[0] }));
    const errors = ['duplicate decision for trigger trigger-1'];
    expect(await reportOf(pack)).toEqual({ status: 'fail', checked_files: 8, errors });
  });

  it('decisions that are none', async () => {
    const { errors } = await reportOf(
      changed(({ decisions }) => {
        decisions[0] = { decision_id: 'decision-1' };
      }),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^invalid decision log: \/decisions\/0\//);
  });
});

describe('anchors', () => {
  const policy = (anchor_type: string, required_fields: readonly string[]): Json => ({
    anchor_policy: {
      providers: [{ provider_id: 'time', requirement: { anchor_type, required_fields } }],
    },
  });
  const anchored =
    (anchor: Json | null): ((content: Content) => void) =>
    ({ gate_evals }) => {
      at(gate_evals, 0, 'evidence', 0, 'result')['evidence_anchor'] = anchor;
    };
  const file = (anchor_value: string): Json => ({ anchor_type: 'file', anchor_value });
  const place = 'anchor invalid for condition after (trigger trigger-1, stage main)';

  it.each([
    ['is not there', null, 'missing evidence_anchor'],
    [
      'is of another type',
      { anchor_type: 'url', anchor_value: '{}' },
      'anchor_type mismatch: expected file got url',
    ],
    ['is no JSON', file('1710'.repeat(2).concat(',')), 'anchor_value must be canonical JSON'],
    ['is no object', file('[]'), 'anchor_value must be a JSON object'],
    ['lacks a field', file('{"path":"a"}'), 'anchor field root missing'],
    [
      'has a field without value',
      file('{"path":"a","root":null}'),
      'anchor field root must be set',
    ],
    [
      'has a flag for a field',
      file('{"path":"a","root":true}'),
      'anchor field root must be string or number',
    ],
    ['has a list for a field', file('{"path":"a","root":[]}'), 'anchor field root must be scalar'],
  ])('an anchor that %s', async (_name, anchor, text) => {
    const { errors } = await reportOf(changed(anchored(anchor), policy('file', ['path', 'root'])));
    expect(errors).toEqual([`${place}: ${text}`]);
  });

  it('an anchor that has what is asked for, and evidence with an error, which owes none', async () => {
    const sound = changed(
      anchored(file('{"path":"a","root":7}')),
      policy('file', ['path', 'root']),
    );
    expect(await reportOf(sound)).toEqual(PASS);
    const failed = changed(
      (content) => {
        anchored(null)(content);
        at(content.gate_evals, 0, 'evidence', 0, 'result')['error'] = {
          code: 'provider_error',
          message: 'evidence provider error: none',
          details: null,
        };
      },
      policy('file', ['path', 'root']),
    );
    expect(await reportOf(failed)).toEqual(PASS);
  });

  it('of two requirements for one provider the first counts', async () => {
    const requirements = [['path'], ['root']].map((required_fields) => ({
      provider_id: 'time',
      requirement: { anchor_type: 'file', required_fields },
    }));
    const sound = anchored(file('{"path":"a"}'));
    const providers = (order: readonly Json[]): Json => ({ anchor_policy: { providers: order } });
    expect(await reportOf(changed(sound, providers(requirements)))).toEqual(PASS);
    const { errors } = await reportOf(changed(sound, providers(requirements.toReversed())));
    expect(errors).toEqual([`${place}: anchor field root missing`]);
  });

  it('evidence for a condition that the scenario does not have', async () => {
    const pack = changed(
      ({ gate_evals }) => {
        at(gate_evals, 0, 'evidence', 0)['condition_id'] = 'before';
      },
      policy('file', ['path']),
    );
    expect((await reportOf(pack)).errors).toEqual([
      'condition before missing from scenario spec (trigger trigger-1, stage main)',
    ]);
  });
});

/** Changes that leave every hash in place or make it anew: the format's own checks do not see them. */
const UNDETECTED: readonly {
  readonly name: string;
  readonly pack: () => Pack;
  readonly errors: readonly string[];
}[] = [
  {
    name: 'another run in the manifest',
    pack: () => changed(() => undefined, { run_id: 'run-2' }),
    errors: ["trigger trigger-1 is not of the manifest's run"],
  },
  {
    name: 'another tenant in the manifest',
    pack: () => changed(() => undefined, { tenant_id: 2 }),
    errors: ["trigger trigger-1 is not of the manifest's run"],
  },
  {
    name: 'another scenario in the manifest',
    pack: () => changed(() => undefined, { scenario_id: 'other' }),
    errors: ["scenario spec is not of the manifest's run"],
  },
  {
    name: 'the list of artifacts edited',
    pack: () => {
      const pack = packOf(quickstartContent());
      at(pack.manifest, 'artifacts', 2)['kind'] = 'custom';
      return pack;
    },
    errors: ['artifact artifacts/gate_evals.json does not match file hashes'],
  },
  {
    name: 'an artifact left out of the list',
    pack: () => {
      const pack = packOf(quickstartContent());
      (pack.manifest['artifacts'] as Json[]).pop();
      return pack;
    },
    errors: ['artifacts do not match file hashes'],
  },
  {
    name: 'the hash of another specification',
    pack: () => changed(() => undefined, { spec_hash: hash('{}') }),
    errors: ['spec hash mismatch'],
  },
  {
    name: 'a member that manifests do not have',
    pack: () => changed(() => undefined, { note: 'approved' }),
    errors: ['manifest is not canonical'],
  },
  {
    name: 'members that readers of scenario and logs do not know',
    pack: () =>
      changed(({ spec, triggers, gate_evals, decisions, packets, submissions, tool_calls }) => {
        packets.push(packet());
        submissions.push(submission());
        for (const log of [triggers, gate_evals, decisions, packets, submissions, tool_calls]) {
          at(log, 0)['note'] = 'approved';
        }
        spec['note'] = 'approved';
      }),
    errors: Object.values(PATHS).map((path) => `${path} is not canonical`),
  },
  {
    name: 'a trigger without its decision',
    pack: () =>
      changed(({ triggers }) => {
        triggers.push({
          seq: 2,
          event: { ...at(triggers, 0, 'event'), trigger_id: 'trigger-2' },
        });
      }),
    errors: ['trigger trigger-2 has no decision'],
  },
  {
    name: 'a decision without its trigger',
    pack: () =>
      changed((content) => {
        content.triggers = [];
      }),
    errors: ['decision decision-1 has no trigger'],
  },
  {
    name: 'a log that does not count from 1',
    pack: () =>
      changed(({ triggers, decisions, tool_calls }) => {
        at(triggers, 0)['seq'] = 2;
        at(decisions, 0)['seq'] = 2;
        at(tool_calls, 0)['call_id'] = 'call-2';
      }),
    errors: [
      'trigger log is not numbered',
      'decision log is not numbered',
      'tool transcript is not numbered',
    ],
  },
  {
    name: 'evidence of another value',
    pack: () =>
      changed(({ gate_evals }) => {
        at(gate_evals, 0, 'evidence', 0, 'result', 'value')['value'] = false;
      }),
    errors: ['evidence hash mismatch for condition after (trigger trigger-1)'],
  },
  {
    name: 'evidence without its hash',
    pack: () =>
      changed(({ gate_evals }) => {
        at(gate_evals, 0, 'evidence', 0, 'result')['evidence_hash'] = null;
      }),
    errors: ['evidence hash mismatch for condition after (trigger trigger-1)'],
  },
  {
    name: 'a submission whose content is not that of its hash',
    pack: () =>
      changed(({ submissions }) => {
        submissions.push({
          ...submission(),
          payload: { kind: 'json', value: { hello: 'world' } },
        });
      }),
    errors: ['content hash mismatch for submission submission-1'],
  },
  {
    name: 'a file with white space',
    pack: () => {
      const pack = packOf(quickstartContent());
      const spaced = packOf({ ...quickstartContent(), packets: [] });
      spaced.files.set(PATHS.packets, '[ ]');
      const listed = at(spaced.manifest, 'integrity', 'file_hashes') as unknown as Json[];
      at(listed, 4)['hash'] = hash('[ ]');
      at(spaced.manifest, 'artifacts', 4)['hash'] = hash('[ ]');
      at(spaced.manifest, 'integrity')['root_hash'] = hash(JSON.stringify(sorted(listed)));
      return { files: spaced.files, manifest: { ...pack.manifest, ...spaced.manifest } };
    },
    errors: ['artifacts/packets.json is not canonical'],
  },
  {
    name: 'a report that says something else',
    pack: () => {
      const pack = packOf(quickstartContent());
      const text = '{"checked_files":9,"errors":[],"status":"pass"}';
      pack.files.set('artifacts/verifier_report.json', text);
      const listed = at(pack.manifest, 'integrity', 'file_hashes') as unknown as Json[];
      at(listed, 7)['hash'] = hash(text);
      at(pack.manifest, 'artifacts', 7)['hash'] = hash(text);
      at(pack.manifest, 'integrity')['root_hash'] = hash(JSON.stringify(sorted(listed)));
      return pack;
    },
    errors: ['verifier report is not of a pack that passed'],
  },
];

function submission(): Json {
  return {
    submission_id: 'submission-1',
    run_id: 'run-1',
    payload: { kind: 'json', value: {} },
    content_type: 'application/json',
    content_hash: hash('{}'),
    submitted_at: { kind: 'logical', value: 1 },
    correlation_id: null,
  };
}

function packet(): Json {
  const envelope = {
    scenario_id: 'quickstart',
    run_id: 'run-1',
    stage_id: 'main',
    packet_id: 'packet-1',
    schema_id: 'schema-1',
    content_type: 'application/json',
    content_hash: hash('{}'),
    visibility: { labels: [], policy_tags: [] },
    expiry: null,
    correlation_id: null,
    issued_at: { kind: 'logical', value: 1 },
  };
  return {
    envelope,
    payload: { kind: 'json', value: {} },
    receipts: [],
    decision_id: 'decision-1',
  };
}

/** File hashes with their members in canonical order. */
function sorted(listed: readonly Json[]): Json[] {
  return listed.map(({ path, hash: digest }) => ({ hash: digest, path }));
}

describe('tampering that only the strict checks see', () => {
  it.each(UNDETECTED)('$name', async ({ pack, errors }) => {
    expect(await reportOf(pack())).toEqual(PASS);
    expect(await reportOf(pack(), { strict: true })).toEqual({
      status: 'fail',
      checked_files: 8,
      errors,
    });
  });
});

describe('replay', () => {
  const trigger = '(trigger trigger-1)';
  const gate = ({ gate_evals }: Content): Json => at(gate_evals, 0, 'evaluation');
  const result = ({ gate_evals }: Content): Json => at(gate_evals, 0, 'evidence', 0, 'result');

  it.each<[string, (content: Content) => void, readonly string[]]>([
    [
      'a gate whose status is not what its evidence says',
      (content) => {
        gate(content)['status'] = 'Unknown';
      },
      [
        `replay: gate after-time recorded Unknown, replayed True ${trigger}`,
        `replay: outcome recorded complete, replayed hold ${trigger}`,
      ],
    ],
    [
      'evidence that says something else, with its own hash',
      (content) => {
        result(content)['value'] = { kind: 'json', value: false };
        result(content)['evidence_hash'] = hash('false');
      },
      [`replay: gate after-time recorded True, replayed False ${trigger}`],
    ],
    [
      'evidence that was an error',
      (content) => {
        result(content)['error'] = { code: 'provider_error', message: 'none', details: null };
      },
      [`replay: gate after-time recorded True, replayed Unknown ${trigger}`],
    ],
    [
      'a trace that is not that of the requirement',
      (content) => {
        gate(content)['trace'] = [];
      },
      [`replay: gate after-time differs in its trace or its evidence ${trigger}`],
    ],
    [
      'a gate that was left out',
      (content) => {
        content.gate_evals = [];
      },
      [`replay: gates recorded [], replayed [after-time] ${trigger}`],
    ],
    [
      'a gate without its evidence',
      ({ gate_evals }) => {
        at(gate_evals, 0)['evidence'] = [];
      },
      [`replay: gate after-time without evidence for after ${trigger}`],
    ],
    [
      'an outcome that does not follow',
      ({ decisions }) => {
        at(decisions, 0)['outcome'] = { kind: 'fail', reason: 'timeout' };
      },
      [`replay: outcome recorded fail, replayed complete ${trigger}`],
    ],
    [
      'a decision dated differently from its trigger',
      ({ decisions }) => {
        at(decisions, 0)['decided_at'] = { kind: 'unix_millis', value: 1 };
      },
      [`replay: decision decision-1 is not of its trigger ${trigger}`],
    ],
    [
      'a decision in a stage where the run was not',
      ({ decisions }) => {
        at(decisions, 0)['stage_id'] = 'other';
      },
      [`replay: decision decision-1 is not of its trigger ${trigger}`],
    ],
    [
      'a packet that nothing disclosed',
      ({ packets }) => {
        packets.push(packet());
      },
      [`replay: packets of decision-1 are not those of the stage entered ${trigger}`],
    ],
    [
      'a trigger after the end',
      ({ triggers, decisions }) => {
        triggers.push({ seq: 2, event: { ...at(triggers, 0, 'event'), trigger_id: 'trigger-2' } });
        decisions.push({ ...at(decisions, 0), trigger_id: 'trigger-2', decision_id: 'decision-2' });
      },
      ['replay: decided after the run had ended (trigger trigger-2)'],
    ],
    [
      'a scenario that does not hang together',
      ({ spec }) => {
        spec['conditions'] = [];
      },
      ['replay: invalid scenario spec: gate references undefined condition: after'],
    ],
  ])('%s', async (_name, change, errors) => {
    expect((await reportOf(changed(change))).errors).toEqual([]);
    expect((await reportOf(changed(change), { replay: true })).errors).toEqual(errors);
  });

  describe('a start', () => {
    /** The run begun by the engine in place of by a caller: `init`, at the instant that the run was started. */
    const begun = (change: (content: Content) => void = () => undefined): Pack =>
      changed((content) => {
        Object.assign(at(content.triggers, 0, 'event'), {
          trigger_id: 'init',
          kind: 'external_event',
          source_id: 'system',
        });
        Object.assign(at(content.decisions, 0), {
          trigger_id: 'init',
          outcome: { kind: 'start', stage_id: 'main' },
        });
        content.gate_evals = [];
        change(content);
      });

    it('is the trigger of the engine', async () => {
      expect(await reportOf(begun(), ALL)).toEqual(PASS);
    });

    it.each<[string, Json]>([
      ['id', { trigger_id: 'trigger-1' }],
      ['kind', { kind: 'agent_request_next' }],
      ['source', { source_id: 'agent-1' }],
      ['payload', { payload: { kind: 'json', value: 1 } }],
      ['correlation', { correlation_id: 'c-1' }],
    ])('is not one of another %s', async (name, event) => {
      const pack = begun(({ triggers, decisions }) => {
        Object.assign(at(triggers, 0, 'event'), event);
        const { trigger_id, correlation_id } = at(triggers, 0, 'event');
        Object.assign(at(decisions, 0), { trigger_id, correlation_id });
      });
      expect((await reportOf(pack, ALL)).errors).toEqual([
        `replay: decision decision-1 is not a start (trigger ${name === 'id' ? 'trigger-1' : 'init'})`,
      ]);
    });

    it('is nowhere but at the beginning', async () => {
      const held = quickstartContent();
      const pack = begun(({ triggers, gate_evals, decisions }) => {
        const other = structuredClone(held.gate_evals[0]) as Json;
        const summary = {
          status: 'hold',
          unmet_gates: ['after-time'],
          retry_hint: 'await_evidence',
          policy_tags: [],
        };
        at(other, 'evaluation')['status'] = 'False';
        at(other, 'evaluation', 'trace', 0)['status'] = 'False';
        at(other, 'evidence', 0)['status'] = 'False';
        Object.assign(at(other, 'evidence', 0, 'result'), {
          value: { kind: 'json', value: false },
          evidence_hash: hash('false'),
        });
        gate_evals.push(other);
        triggers.unshift(...held.triggers);
        decisions.push({
          ...held.decisions[0],
          decision_id: 'decision-2',
          seq: 2,
          outcome: { kind: 'hold', summary },
        });
      });
      expect((await reportOf(pack, { replay: true })).errors).toEqual([
        'replay: decision decision-1 is not a start (trigger init)',
      ]);
    });
  });

  describe('a run that failed where it was to go on', () => {
    /** Where it was to go on, a payload is disclosed. */
    const failed = (reason: string, payload?: Json): Pack =>
      changed(({ spec, decisions }) => {
        const [main] = spec['stages'] as Json[];
        const packets = [
          {
            packet_id: 'packet-1',
            schema_id: 'schema-1',
            content_type: 'application/json',
            visibility_labels: ['public'],
            policy_tags: [],
            expiry: null,
            payload,
          },
        ];
        spec['stages'] = [
          { ...main, advance_to: { kind: 'linear' } },
          {
            stage_id: 'second',
            entry_packets: payload === undefined ? [] : packets,
            gates: [],
            advance_to: { kind: 'terminal' },
            timeout: null,
            on_timeout: 'fail',
          },
        ];
        at(decisions, 0)['outcome'] = { kind: 'fail', reason };
      });
    const small: Json = { kind: 'bytes', bytes: [1] };
    const LIMIT = 2_097_152;
    const large: Json = { kind: 'json', value: 'x'.repeat(LIMIT - 1) };
    const tooLarge = `payload exceeds size limit (${LIMIT + 1} > ${LIMIT})`;

    it.each<[string, Json]>([
      ['policy denied disclosure', small],
      ['policy decision error: the labels are not known', small],
      [tooLarge, large],
    ])('%s', async (reason, payload) => {
      expect(await reportOf(failed(reason, payload), ALL)).toEqual(PASS);
    });

    it.each<[string, Json | undefined]>([
      ['somebody said so', small],
      ['timeout', small],
      ['policy denied disclosure', undefined],
      ['policy denied disclosure', large],
      [tooLarge, small],
    ])('not for any reason: %s', async (reason, payload) => {
      expect((await reportOf(failed(reason, payload), { replay: true })).errors).toEqual([
        `replay: outcome recorded fail, replayed advance ${trigger}`,
      ]);
    });
  });
});
