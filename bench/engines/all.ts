import { cedar, cedarWithSchema } from './cedar.ts';
import { celEs } from './cel-es.ts';
import { celJs, celJsTyped } from './cel-js.ts';
import { countersignAssess, countersignDecide } from './countersign.ts';
import type { Engine } from './engine.ts';
import { jsonLogic } from './json-logic.ts';
import { jsonRules } from './json-rules.ts';
import { zen } from './zen.ts';

/** Ours first, then the others. */
export const engines: readonly Engine[] = [
  countersignDecide,
  countersignAssess,
  jsonLogic,
  celJs,
  celJsTyped,
  celEs,
  cedar,
  cedarWithSchema,
  zen,
  jsonRules,
];
