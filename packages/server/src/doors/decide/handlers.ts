import type { OperationName } from '@countersign/contract';
import type { Handler } from '../call.ts';
import { batchHandlers } from './batch-handlers.ts';
import { decisionHandlers } from './decision-handlers.ts';
import { ledgerHandlers } from './ledger-handlers.ts';
import { lifecycleHandlers } from './lifecycle-handlers.ts';
import { playgroundHandlers } from './playground-handlers.ts';
import { policyHandlers } from './policy-handlers.ts';
import type { DoorPorts } from './ports.ts';
import { proofHandlers } from './proof-handlers.ts';
import { reportHandlers } from './report-handlers.ts';
import { reviewHandlers } from './review-handlers.ts';
import { rulebookHandlers } from './rulebook-handlers.ts';
import { searchHandlers } from './search-handlers.ts';
import { simulationHandlers } from './simulation-handlers.ts';

/** Handlers of all operations of the Decide door. Each turns a call into one use case and its answer into text. */
export function decideHandlers(ports: DoorPorts): Record<OperationName, Handler> {
  return {
    ...decisionHandlers(ports),
    ...batchHandlers(ports),
    ...playgroundHandlers(ports),
    ...simulationHandlers(ports),
    ...lifecycleHandlers(ports),
    ...reviewHandlers(ports),
    ...searchHandlers(ports),
    ...proofHandlers(ports),
    ...policyHandlers(ports),
    ...rulebookHandlers(ports),
    ...reportHandlers(ports),
    ...ledgerHandlers(ports),
  };
}
