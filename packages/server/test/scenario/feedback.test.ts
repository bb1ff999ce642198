import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { type Members, nextOf, openScenarioGate, quickstartSpec, startOf } from './harness.ts';

const TOKEN = 'test-token-of-nobody';
const SUBJECT = `token:${createHash('sha256').update(TOKEN).digest('hex')}`;
const BEARER = { authorization: `Bearer ${TOKEN}` };

interface Asking {
  readonly bearer?: boolean;
  readonly roles?: readonly { readonly name: string; readonly tenantId?: number }[];
  readonly feedback?: Partial<ScenarioSettings['server']['feedback']>;
  readonly evidence?: ScenarioSettings['evidence'];
  readonly allowRaw?: boolean;
}

/** What one `scenario_next` answers as `feedback`. */
async function feedbackOf(asking: Asking, asked?: string): Promise<Members | undefined> {
  const gate = await openScenarioGate({
    change: (settings) => ({
      ...settings,
      runStateStore: { type: 'memory' },
      schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
      evidence: asking.evidence ?? settings.evidence,
      providers: settings.providers.map((one) =>
        one.name === 'time' ? { ...one, allowRaw: asking.allowRaw === true } : one,
      ),
      server: {
        ...settings.server,
        feedback: { ...settings.server.feedback, ...asking.feedback },
        auth:
          asking.bearer === true
            ? {
                ...settings.server.auth,
                mode: 'bearer_token',
                bearerTokens: [TOKEN],
                principals: [{ subject: SUBJECT, roles: asking.roles ?? [] }],
              }
            : settings.server.auth,
      },
    }),
  });
  const headers = asking.bearer === true ? BEARER : {};
  try {
    await gate.call('scenario_define', { spec: quickstartSpec() }, headers);
    await gate.call('scenario_start', startOf(), headers);
    const args = nextOf('t', {}, asked === undefined ? {} : { feedback: asked });
    const answer = await gate.call('scenario_next', args, headers);
    expect(answer.error).toBeUndefined();
    return (answer.json as Members)['feedback'] as Members | undefined;
  } finally {
    await gate.close();
  }
}

describe('feedback', () => {
  it('S-144 a local caller is traced unless the server says otherwise', async () => {
    expect(await feedbackOf({})).toMatchObject({
      level: 'trace',
      gate_evaluations: [{ gate_id: 'after-time', status: 'True' }],
    });
    expect(await feedbackOf({ feedback: { localOnlyDefault: 'summary' } })).toBeUndefined();
  });

  it('S-145 another caller gets none unless it asks', async () => {
    expect(await feedbackOf({ bearer: true })).toBeUndefined();
    expect(await feedbackOf({ bearer: true }, 'summary')).toEqual({ level: 'summary' });
  });

  it('S-146 a trace goes to the subjects and roles that may have it', async () => {
    const denied = {
      level: 'summary',
      denied_reason: 'feedback level denied (requested=trace, allowed=summary)',
    };
    expect(await feedbackOf({ bearer: true }, 'trace')).toEqual(denied);
    const bySubject = { bearer: true, feedback: { traceSubjects: [SUBJECT] } };
    expect(await feedbackOf(bySubject, 'trace')).toMatchObject({ level: 'trace' });
    const byRole = { bearer: true, feedback: { traceRoles: ['Auditor'] } };
    expect(
      await feedbackOf({ ...byRole, roles: [{ name: 'Auditor', tenantId: 1 }] }, 'trace'),
    ).toMatchObject({ level: 'trace' });
    expect(
      await feedbackOf({ ...byRole, roles: [{ name: 'Auditor', tenantId: 2 }] }, 'trace'),
    ).toEqual(denied);
  });

  it('S-147 evidence needs the level and a grant, and raw values two more switches', async () => {
    expect(await feedbackOf({}, 'evidence')).toMatchObject({
      level: 'trace',
      denied_reason: 'feedback level denied (requested=evidence, allowed=trace)',
    });
    const denied = {
      level: 'summary',
      denied_reason: 'feedback level denied (requested=evidence, allowed=summary)',
    };
    const reader = { bearer: true, roles: [{ name: 'Reader', tenantId: 1 }] };
    // The level without a grant, and a grant without the level.
    expect(await feedbackOf({ ...reader, feedback: { max: 'evidence' } }, 'evidence')).toEqual(
      denied,
    );
    expect(await feedbackOf({ feedback: { evidenceSubjects: ['loopback'] } }, 'evidence')).toEqual(
      expect.objectContaining({ level: 'trace', denied_reason: expect.any(String) }),
    );
    const byRole: Asking = { ...reader, feedback: { max: 'evidence', evidenceRoles: ['Reader'] } };
    expect(await feedbackOf(byRole, 'evidence')).toMatchObject({ level: 'evidence' });
    expect(
      await feedbackOf({ ...byRole, roles: [{ name: 'Reader', tenantId: 2 }] }, 'evidence'),
    ).toEqual(denied);
    const granted: Asking = { feedback: { max: 'evidence', evidenceSubjects: ['loopback'] } };
    const raw: Asking = {
      ...granted,
      evidence: { allowRawValues: true, requireProviderOptIn: true },
    };
    const valueOf = (feedback: Members | undefined): unknown => {
      const records = feedback?.['gate_records'] as
        | { evidence: { result: Members }[] }[]
        | undefined;
      const [record] = records ?? [];
      const result = record?.evidence[0]?.result;
      expect(result?.['evidence_hash']).toMatchObject({ algorithm: 'sha256' });
      expect(result?.['content_type'] === null).toBe(result?.['value'] === null);
      return result?.['value'];
    };
    expect(valueOf(await feedbackOf(granted, 'evidence'))).toBeNull();
    expect(valueOf(await feedbackOf(raw, 'evidence'))).toBeNull();
    expect(valueOf(await feedbackOf({ ...raw, allowRaw: true }, 'evidence'))).toEqual({
      kind: 'json',
      value: true,
    });
  });
});
