import { type RpcResult, rpcOk } from '@countersign/contract';
import { invalidParams } from './tool.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 1_000;

/** How many items a page of a list holds. */
export function pageOf(limit: number | undefined): RpcResult<number> {
  const size = limit ?? PAGE_DEFAULT;
  return size >= 1 && size <= PAGE_MAX
    ? rpcOk(size)
    : invalidParams(`limit must be between 1 and ${PAGE_MAX}`);
}
