import { type RpcResult, rpcOk } from '@countersign/contract';
import { type Json, scenario } from '@countersign/policy';
import {
  type Engine,
  readStatus,
  startRun,
  submit,
  type Triggered,
  trigger,
} from '../../../service/scenario/engine.ts';
import { feedbackOn } from '../../../service/scenario/feedback.ts';
import type { Caller } from '../../../service/scenario/ports.ts';
import { type Arguments, readArguments } from '../arguments.ts';
import { pageOf } from '../page.ts';
import type { ToolsOf } from '../tool.ts';
import type { ToolParts } from '../tool-parts.ts';

type LifecycleTool =
  | 'scenario_define'
  | 'scenario_start'
  | 'scenario_status'
  | 'scenario_next'
  | 'scenario_submit'
  | 'scenario_trigger'
  | 'scenarios_list';

/** Definitions and runs: each tool reads its arguments, asks the guard, and leaves the rest to the engine. */
export function lifecycleTools(parts: ToolParts): ToolsOf<LifecycleTool> {
  const { ports, registry } = parts;
  const engine: Engine = parts;

  /** Reads, then guards by the tenant and the namespace that the arguments name, then acts. */
  const tool =
    <Command>(
      read: Parameters<typeof readArguments<Command>>[1],
      scopeOf: (command: Command) => readonly [scenario.Int | null, scenario.Int],
      act: (command: Command, caller: Caller) => Promise<RpcResult<unknown>>,
    ) =>
    async (args: Json, caller: Caller): Promise<RpcResult<unknown>> => {
      const command = readArguments(args, read);
      if (!command.ok) return command;
      const admitted = await parts.guard(caller, ...scopeOf(command.value));
      return admitted.ok ? act(command.value, caller) : admitted;
    };

  return {
    scenario_define: tool(
      (args) => args.decoded('spec', scenario.scenarioSpec),
      (spec) => [spec.default_tenant_id, spec.namespace_id],
      async (spec) => {
        const defined = await registry.define(spec);
        return defined.ok
          ? rpcOk({ scenario_id: spec.scenario_id, spec_hash: defined.value.specHash })
          : defined;
      },
    ),

    scenario_start: tool(
      (args) => ({
        scenarioId: args.text('scenario_id'),
        config: args.decoded('run_config', scenario.runConfig),
        startedAt: args.decoded('started_at', scenario.timestamp),
        issueEntryPackets: args.flag('issue_entry_packets'),
      }),
      ({ config }) => [config.tenant_id, config.namespace_id],
      (command) => startRun(engine, command),
    ),

    scenario_status: tool(
      (args) => {
        const request = args.within('request');
        return {
          scenarioId: args.text('scenario_id'),
          request: {
            ...runNamedBy(request),
            requested_at: request.decoded('requested_at', scenario.timestamp),
          },
        };
      },
      ({ request }) => [request.tenant_id, request.namespace_id],
      (command) => readStatus(engine, command),
    ),

    scenario_next: tool(
      (args) => {
        const request = args.within('request');
        return {
          scenarioId: args.text('scenario_id'),
          request: {
            ...runNamedBy(request),
            trigger_id: request.text('trigger_id'),
            agent_id: request.text('agent_id'),
            time: request.decoded('time', scenario.timestamp),
          },
          feedback: args.oneOfOrAbsent('feedback', ['summary', 'trace', 'evidence']),
        };
      },
      ({ request }) => [request.tenant_id, request.namespace_id],
      async ({ scenarioId, request, feedback: asked }, caller) => {
        const { agent_id, ...named } = request;
        const triggered = await trigger(engine, {
          scenarioId,
          event: { ...named, kind: 'agent_request_next', source_id: agent_id, payload: null },
          method: 'scenario.next',
          request,
        });
        if (!triggered.ok) return triggered;
        const { result, state, spec } = triggered.value;
        const feedback = feedbackOn(ports, caller, asked, request, { spec, state });
        return rpcOk(feedback === undefined ? result : { ...result, feedback });
      },
    ),

    scenario_trigger: tool(
      (args) => ({
        scenarioId: args.text('scenario_id'),
        event: args.decoded('trigger', scenario.triggerEvent),
      }),
      ({ event }) => [event.tenant_id, event.namespace_id],
      async ({ scenarioId, event }) =>
        answered(
          await trigger(engine, { scenarioId, event, method: 'scenario.trigger', request: event }),
        ),
    ),

    scenario_submit: tool(
      (args) => {
        const request = args.within('request');
        return {
          scenarioId: args.text('scenario_id'),
          request: {
            ...runNamedBy(request),
            submission_id: request.text('submission_id'),
            payload: request.decoded('payload', scenario.packetPayload),
            content_type: request.text('content_type'),
            submitted_at: request.decoded('submitted_at', scenario.timestamp),
          },
        };
      },
      ({ request }) => [request.tenant_id, request.namespace_id],
      (command) => submit(engine, command),
    ),

    scenarios_list: tool(
      (args) => ({
        tenant: args.id('tenant_id'),
        namespace: args.id('namespace_id'),
        cursor: args.textOrNull('cursor'),
        limit: args.integerOrAbsent('limit'),
      }),
      ({ tenant, namespace }) => [tenant, namespace],
      async ({ tenant, namespace, cursor, limit }) => {
        const size = pageOf(limit);
        if (!size.ok) return size;
        const all = registry.list(tenant, namespace).map(({ spec, specHash }) => ({
          scenario_id: spec.scenario_id,
          namespace_id: spec.namespace_id,
          spec_hash: specHash,
        }));
        const from = all.findIndex((one) => one.scenario_id === cursor) + 1;
        const items = all.slice(from, from + size.value);
        return rpcOk({ items, next_token: items.at(-1)?.scenario_id ?? null });
      },
    ),
  };
}

/** Which run a request is about, and what ties the request to others. */
function runNamedBy(request: Arguments): {
  readonly tenant_id: scenario.Int;
  readonly namespace_id: scenario.Int;
  readonly run_id: string;
  readonly correlation_id: string | null;
} {
  return {
    tenant_id: request.id('tenant_id'),
    namespace_id: request.id('namespace_id'),
    run_id: request.text('run_id'),
    correlation_id: request.textOrNull('correlation_id'),
  };
}

function answered(triggered: RpcResult<Triggered>): RpcResult<unknown> {
  return triggered.ok ? rpcOk(triggered.value.result) : triggered;
}
