export * as communication from './communication/index.ts';
export * as decide from './decide/schemas.ts';
export { discovery, llmsText } from './discovery.ts';
export { renderErrors } from './error-docs.ts';
export {
  type ErrorCode,
  type ErrorEntry,
  errors,
  type Fault,
  type FieldError,
  fail,
  ok,
  type Result,
} from './errors.ts';
export * as limits from './limits.ts';
export { openApi } from './openapi.ts';
export {
  COMMON_ERRORS,
  type LimitClass,
  type Operation,
  type OperationName,
  operations,
  type Scope,
} from './operations.ts';
export { child, fieldError, type Parsed, parser } from './parse.ts';
export { PARAMETERS } from './path-parameters.ts';
export * from './scenario/index.ts';
