import { readInstant } from '@countersign/policy';
import { isMembers, type Members } from '@countersign/proof';

/** The members of a value that should be an object; none where it is not. */
export function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

/** The objects of a value that should be a list of them; an item that is none has no members. */
export function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

/** A member that should be a text; `undefined` where it is not. */
export function textMember(members: Members, name: string): string | undefined {
  const value = members[name];
  return typeof value === 'string' ? value : undefined;
}

/** Unix milliseconds; `NaN` for what is no instant, which is neither before nor after anything. */
export function instantOf(value: unknown): number {
  return (typeof value === 'string' ? readInstant(value) : undefined) ?? Number.NaN;
}
