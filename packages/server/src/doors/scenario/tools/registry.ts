import { type RpcResult, rpcFail, rpcOk, unauthorized } from '@countersign/contract';
import { isObject, type Json, member, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { decideAcl, type RegistryAction } from '../../../service/scenario/acl.ts';
import { canonical, digest } from '../../../service/scenario/canonical.ts';
import { compileSchema } from '../../../service/scenario/json-schema.ts';
import { type Caller, DataShapeDamage } from '../../../service/scenario/ports.ts';
import { precheck } from '../../../service/scenario/precheck.ts';
import { readArguments } from '../arguments.ts';
import { correlationMembers } from '../audit.ts';
import { pageOf } from '../page.ts';
import { invalidParams, type Tool, type ToolsOf } from '../tool.ts';
import type { ToolParts } from '../tool-parts.ts';

type RegistryTool = 'schemas_register' | 'schemas_list' | 'schemas_get' | 'precheck';

/** What of a registry call stands in its audit line. */
interface Asked {
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly schemaId: string | null;
  readonly version: string | null;
}

/** Registered data shapes, and what a stage would come to over asserted data. */
export function registryTools(parts: ToolParts): ToolsOf<RegistryTool> {
  const { ports, guard, audit, registry } = parts;
  const { schemaRegistry } = ports.settings;

  /** The namespace guard, then the registry's own rules; the decision goes to the audit. */
  const admit = async (
    caller: Caller,
    action: RegistryAction,
    asked: Asked,
  ): Promise<RpcResult<undefined>> => {
    const admitted = await guard(caller, asked.tenant, asked.namespace);
    if (!admitted.ok) return admitted;
    const { allowed, reason } = decideAcl(
      schemaRegistry.acl,
      caller,
      action,
      asked.tenant,
      asked.namespace,
    );
    audit.write('registry_audit', {
      ...correlationMembers(caller),
      request_id: caller.requestId,
      tenant_id: String(asked.tenant),
      namespace_id: String(asked.namespace),
      action,
      allowed,
      reason,
      principal_id: caller.principalId,
      roles: caller.roles.map(({ name }) => name),
      policy_class: caller.policyClass ?? null,
      schema_id: asked.schemaId,
      schema_version: asked.version,
    });
    return allowed ? rpcOk(undefined) : unauthorized(reason);
  };

  return {
    async schemas_register(args, caller) {
      const read = readArguments(args, (from) => from.decoded('record', scenario.dataShapeRecord));
      if (!read.ok) return read;
      const record = read.value;
      const admitted = await admit(caller, 'register', {
        tenant: record.tenant_id,
        namespace: record.namespace_id,
        schemaId: record.schema_id,
        version: record.version,
      });
      if (!admitted.ok) return admitted;
      const { signing } = record;
      const signed =
        (signing?.key_id ?? '').trim() !== '' && (signing?.signature ?? '').trim() !== '';
      if (schemaRegistry.acl.requireSigning && !signed) return unauthorized('schema is not signed');
      const size = Buffer.byteLength(canonical(record.schema));
      const limit = schemaRegistry.maxSchemaBytes;
      if (size > limit) {
        return invalidParams(`schema exceeds size limit: ${size} bytes (max ${limit})`);
      }
      if (await ports.dataShapes.isFull(record.tenant_id, record.namespace_id)) return registryFull;
      const compiled = compileSchema(record.schema);
      if (!compiled.ok) return invalidParams(`invalid schema: ${compiled.text}`);
      switch (await ports.dataShapes.add(record)) {
        case 'added':
          return rpcOk({ record });
        case 'taken':
          return rpcFail('conflict', 'schema already registered');
        case 'full':
          return registryFull;
      }
    },

    schemas_list: intact(async (args, caller) => {
      const read = readArguments(args, (from) => ({
        tenant: from.id('tenant_id'),
        namespace: from.id('namespace_id'),
        cursor: from.textOrNull('cursor'),
        limit: from.integerOrAbsent('limit'),
      }));
      if (!read.ok) return read;
      const { tenant, namespace, cursor, limit } = read.value;
      const asked = { tenant, namespace, schemaId: null, version: null };
      const admitted = await admit(caller, 'list', asked);
      if (!admitted.ok) return admitted;
      const size = pageOf(limit);
      if (!size.ok) return size;
      const after = readCursor(cursor);
      if (after === 'invalid') return invalidParams('invalid cursor');
      const items = await ports.dataShapes.list(tenant, namespace, after, size.value);
      const last = items.at(-1);
      const next =
        last === undefined ? null : canonical({ schema_id: last.schema_id, version: last.version });
      return rpcOk({ items, next_token: next });
    }),

    schemas_get: intact(async (args, caller) => {
      const read = readArguments(args, (from) => ({
        tenant: from.id('tenant_id'),
        namespace: from.id('namespace_id'),
        schemaId: from.text('schema_id'),
        version: from.text('version'),
      }));
      if (!read.ok) return read;
      const admitted = await admit(caller, 'get', read.value);
      if (!admitted.ok) return admitted;
      const { tenant, namespace, schemaId, version } = read.value;
      const record = await ports.dataShapes.get(tenant, namespace, schemaId, version);
      return record === undefined ? rpcFail('not_found', 'schema not found') : rpcOk({ record });
    }),

    precheck: intact(async (args, caller) => {
      const read = readArguments(args, (from) => {
        const shape = from.within('data_shape');
        return {
          tenant: from.id('tenant_id'),
          namespace: from.id('namespace_id'),
          shape: { schema_id: shape.text('schema_id'), version: shape.text('version') },
          payload: from.json('payload'),
          scenarioId: from.textOrNull('scenario_id'),
          spec: from.json('spec') == null ? null : from.decoded('spec', scenario.scenarioSpec),
          stageId: from.textOrNull('stage_id'),
        };
      });
      if (!read.ok) return read;
      const { payload, ...command } = read.value;
      if (payload === undefined) return invalidParams('/payload: missing');
      const admitted = await guard(caller, command.tenant, command.namespace);
      if (!admitted.ok) return admitted;
      const checked = await precheck(ports, registry, { ...command, payload });
      if (!checked.ok) return checked;
      const { scenarioId, stageId, ...answer } = checked.value;
      const shown = ports.settings.server.audit.logPrecheckPayloads;
      audit.write('precheck_audit', {
        ...correlationMembers(caller),
        tenant_id: String(command.tenant),
        namespace_id: String(command.namespace),
        scenario_id: scenarioId,
        stage_id: stageId,
        schema_id: command.shape.schema_id,
        schema_version: command.shape.version,
        request_hash: digest(args),
        response_hash: digest(answer),
        request: shown ? args : null,
        response: shown ? answer : null,
        redaction: shown ? 'payload' : 'hash_only',
      });
      return rpcOk(answer);
    }),
  };
}

const registryFull = rpcFail('conflict', 'schema registry max entries exceeded');

/** What is stored but is not what was registered is nobody's fault who asks. */
function intact(tool: Tool): Tool {
  return async (args, caller) => {
    try {
      return await tool(args, caller);
    } catch (error) {
      if (error instanceof DataShapeDamage) return rpcFail('internal', error.message);
      throw error;
    }
  };
}

/** The last record of the page before; `undefined`: there was none. */
function readCursor(
  cursor: string | null,
): { readonly schema_id: string; readonly version: string } | 'invalid' | undefined {
  if (cursor === null) return undefined;
  const parsed = parseJson(cursor, { depthMax: 2, readNumber: Number });
  const json = parsed.ok ? (parsed.value as Json) : undefined;
  const schema_id = isObject(json) ? member(json, 'schema_id') : undefined;
  const version = isObject(json) ? member(json, 'version') : undefined;
  return typeof schema_id === 'string' && typeof version === 'string'
    ? { schema_id, version }
    : 'invalid';
}
