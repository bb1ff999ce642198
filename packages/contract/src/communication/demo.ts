import Type, { type Static } from 'typebox';
import { DECISION_MEMBERS } from './decision.ts';
import { closed } from './forms.ts';
import { ProofPacketFull } from './packet.ts';

/** A decision of a demonstration. Nothing is stored, so its proof packet comes along. */
export const DemoDecision = Type.Object(
  { ...DECISION_MEMBERS, demo: Type.Literal(true), proof_packet: ProofPacketFull },
  closed,
);
export type DemoDecision = Static<typeof DemoDecision>;
