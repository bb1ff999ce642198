import type { Tone } from '../design/mark.tsx';

interface Word {
  readonly tone: Tone;
  readonly word: string;
}

const LIGHTS: Readonly<Record<string, Word>> = {
  green: { tone: 'pass', word: 'Green' },
  amber: { tone: 'caution', word: 'Amber' },
  red: { tone: 'fail', word: 'Red' },
  grey: { tone: 'none', word: 'Grey' },
};

/** A light in a word and a shape; one that is not known here says what it is called. */
export function lightOf(state: unknown): Word {
  return LIGHTS[String(state)] ?? { tone: 'none', word: String(state) };
}

const SEVERITIES: Readonly<Record<string, Word>> = {
  critical: { tone: 'fail', word: 'Critical' },
  high: { tone: 'fail', word: 'High' },
  medium: { tone: 'caution', word: 'Medium' },
  low: { tone: 'none', word: 'Low' },
  info: { tone: 'none', word: 'Info' },
};
/** From the gravest on. */
export const SEVERITY_ORDER: readonly string[] = Object.keys(SEVERITIES);

export function severityOf(severity: unknown): Word {
  return SEVERITIES[String(severity)] ?? { tone: 'none', word: String(severity) };
}

/** What it means that something is not simply said. */
export const POLARITIES: Readonly<Record<string, string>> = {
  negated: 'said not to be so',
  conditional: 'only if something else is so',
  reported: 'reported of somebody else',
  quoted: 'in a quotation',
};

/** Readings other than that of a person who sees the text as it is. */
export const VIEWS: Readonly<Record<string, string>> = {
  V2: 'read through lookalike, hidden or spaced letters',
  V3: 'read through signs that stand for letters',
  VH: 'read in what a person does not see',
};
