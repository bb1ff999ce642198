import type { EncodedBlock } from './encoded.ts';
import type { DetectedLanguage } from './language.ts';
import type { MappedText } from './mapped-text.ts';
import type { Direction, SegmentKind } from './model.ts';
import type { Readings } from './normalize.ts';
import type { Tokens } from './tokens.ts';

/** One part of a communication, read. */
export interface Reading {
  readonly kind: SegmentKind;
  /** JSON Pointer of the member that it stands in. */
  readonly pointer: string;
  readonly direction: Direction;
  readonly submitted: MappedText;
  readonly readings: Readings;
  /** Blocks of it that are no words; what they say is a reading of its own. */
  readonly encoded: readonly EncodedBlock[];
  /** Words of the plain reading. */
  readonly tokens: Tokens;
  readonly language: DetectedLanguage;
}
