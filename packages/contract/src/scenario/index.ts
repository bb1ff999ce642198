export {
  type RpcErrorEntry,
  type RpcErrorKind,
  type RpcFault,
  type RpcResult,
  rpcErrors,
  rpcFail,
  rpcOk,
  unauthorized,
} from './errors.ts';
export {
  closedScenarioSchema,
  SCENARIO_SCHEMA_ID,
  type Schema,
  scenarioSchema,
  selfContained,
} from './spec-schema.ts';
export { TOOL_NAMES, type ToolName, type ToolRow, tools } from './tools.ts';
