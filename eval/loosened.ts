import type { Governance } from '../packages/server/src/service/communication/judge.ts';
import { judge, LIGHTS, type Result } from './score.ts';
import type { Transform } from './transforms.ts';

/** An answer that became less strict when the message was disguised. */
export interface Loosened {
  readonly id: string;
  readonly transform: string;
  readonly plain: Result;
  readonly disguised: Result;
}

/** Whether an answer can be loosened at all: what is green and open cannot. */
export function isStrict({ light, allowed }: Result): boolean {
  return light !== 'green' || !allowed;
}

/** What a disguise does to one answer; `undefined`: it stays as strict, or there is nothing to disguise. */
export function loosened(
  plain: Result,
  transform: Transform,
  governance: Governance,
): Loosened | undefined {
  const communication = transform.apply(plain.case.communication);
  if (communication === undefined) return undefined;
  const disguised = judge({ ...plain.case, communication }, governance);
  const asStrict = LIGHTS.indexOf(disguised.light) >= LIGHTS.indexOf(plain.light);
  if (asStrict && (plain.allowed || !disguised.allowed)) return undefined;
  return { id: plain.case.id, transform: transform.name, plain, disguised };
}

/** One line: what it was and what it became. */
export function renderLoosened({ id, plain, disguised }: Loosened): string {
  const gate = disguised.allowed ? 'open' : 'shut';
  return `${id}: ${plain.light} became ${disguised.light}, gate ${gate}`;
}
