import { isMembers, type Members } from '@countersign/proof';

/** Members of a value that should be an object; none where it is not. Files say whatever they like. */
export function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

/** Objects of a value that should be a list of them. */
export function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.map(membersOf) : [];
}

/** A text or a number as a text; `undefined` for everything else. */
export function textOfMember(members: Members, name: string): string | undefined {
  const value = members[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
