import { type RpcFault, type RpcResult, rpcFail, type ToolName } from '@countersign/contract';
import type { Json, scenario } from '@countersign/policy';
import type { Caller } from '../../service/scenario/ports.ts';

/** One tool: what was asked by whom, to what is answered or why it is not. */
export type Tool = (args: Json, caller: Caller) => Promise<RpcResult<unknown>>;

/** Some of the tools. */
export type ToolsOf<Name extends ToolName> = Readonly<Record<Name, Tool>>;

/** Whether a caller may speak of a tenant and a namespace; `null`: of no tenant in particular. */
export type Guard = (
  caller: Caller,
  tenant: scenario.Int | null,
  namespace: scenario.Int,
) => Promise<RpcResult<undefined>>;

/** Arguments that are not what the tool reads. */
export function invalidParams(message: string): { readonly ok: false; readonly fault: RpcFault } {
  return rpcFail('invalid_params', message);
}

/** A decoder's refusal as a fault: the place, then what is wrong with it. */
export function undecodable(refused: { readonly pointer: string; readonly text: string }): {
  readonly ok: false;
  readonly fault: RpcFault;
} {
  return invalidParams(
    refused.pointer === '' ? refused.text : `${refused.pointer}: ${refused.text}`,
  );
}
