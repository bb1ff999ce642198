import type { Findings } from './findings.ts';
import { submittedSpan } from './mapped-text.ts';
import type { Severity } from './model.ts';
import type { Disguise } from './normalize.ts';
import type { Reading } from './reading.ts';

/** Disguises that say something by themselves; the others matter where they hide a phrase. */
const SEVERITY: Partial<Record<Disguise['kind'], (disguise: Disguise) => Severity | undefined>> = {
  control_characters: () => 'low',
  zero_width: ({ insideWord }) => (insideWord ? 'medium' : 'low'),
  bidi_override: () => 'high',
  homoglyph: () => 'medium',
  spaced_letters: ({ throughout }) => (throughout ? 'medium' : undefined),
  leet: ({ throughout }) => (throughout ? 'medium' : undefined),
  nested_encoding: () => 'medium',
};

/** Reports that a text was disguised. */
export function findDisguises(reading: Reading, findings: Findings): void {
  const { readings, pointer, direction, kind } = reading;
  for (const disguise of readings.disguises) {
    const severity = SEVERITY[disguise.kind]?.(disguise);
    if (severity === undefined) continue;
    findings.add({
      code: `obfuscation.${disguise.kind}`,
      pointer,
      span: disguise.span,
      segment: kind,
      direction,
      view: 'V1',
      severity,
      detector: 'disguises',
    });
  }
  for (const tagged of readings.tagged) {
    findings.add({
      code: 'hidden.tag_characters',
      pointer,
      span: submittedSpan(tagged, 0, tagged.text.length),
      segment: 'hidden',
      direction,
      view: 'VH',
      detector: 'disguises',
    });
  }
}
