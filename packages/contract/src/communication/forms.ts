import Type, { type TRefine, type TString } from 'typebox';

/** No member beside those that are named. */
export const closed = { additionalProperties: false } as const;

interface TextOptions {
  readonly minLength?: number;
  readonly pattern?: string;
  readonly description?: string;
}

/**
 * Text of at most so many UTF-16 code units. JSON Schema's `maxLength` counts code points, so the published form is the
 * wider one wherever a text holds characters beyond the basic plane.
 */
export function text(lengthMax: number, options: TextOptions = {}): TRefine<TString> {
  return Type.Refine(
    Type.String({ maxLength: lengthMax, ...options }),
    (value) => typeof value !== 'string' || value.length <= lengthMax,
    () => `must not be longer than ${lengthMax} UTF-16 code units`,
  );
}

/** Text of a form that a pattern alone does not tell. */
function formed(pattern: string, lengthMax: number, what: string, fits: (text: string) => boolean) {
  const form = new RegExp(pattern, 'u');
  return Type.Refine(
    text(lengthMax, { pattern, description: what }),
    (value) =>
      typeof value !== 'string' || (value.length <= lengthMax && form.test(value) && fits(value)),
    () => `must be ${what}`,
  );
}

/** RFC 3339 date-time with its offset: upper-case letters, no leap second, a day that its month has. */
export const instant = formed(
  '^\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)$',
  35,
  'an RFC 3339 date-time with an offset',
  (value) => isDay(value.slice(0, 10)),
);

/** The engine moves a day that its month does not have into the next month. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** Well-formed tag of BCP 47. */
export const languageTag = formed(
  '^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$',
  64,
  'a BCP 47 language tag',
  (value) => {
    try {
      return Intl.getCanonicalLocales(value).length === 1;
    } catch {
      return false;
    }
  },
);

export const hex64 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hex' });
export const jsonPointer = text(300, {
  pattern: '^(?:/(?:[^~/]|~[01])*)*$',
  description: 'JSON Pointer, RFC 6901',
});
/** An Ed25519 signature of 64 bytes in base64url without padding. */
export const signature = Type.String({ pattern: '^[A-Za-z0-9_-]{86}$', description: 'Ed25519' });

/** Decimal text that is never a JSON number, without sign and exponent. */
export const Amount = Type.Object(
  {
    value: Type.String({
      pattern: '^(?:0|[1-9]\\d{0,17})(?:\\.\\d{1,8})?$',
      description: 'a decimal number as text, for example `48200.00`',
    }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  },
  closed,
);

const ulid = '[0-9A-HJKMNP-TV-Z]{26}';
/** Forms of the ids that this door gives; those of demonstrations say so and resolve to nothing. */
export const ID_PATTERNS = {
  decision: `^dec_(?:demo_)?${ulid}$`,
  transaction: `^txn_${ulid}$`,
  proofPacket: `^ppk_(?:demo_)?${ulid}$`,
  trace: '^trace_[0-9a-f]{32}$',
} as const;

export const decisionId = Type.String({ pattern: ID_PATTERNS.decision });
export const transactionId = Type.String({ pattern: ID_PATTERNS.transaction });
export const proofPacketId = Type.String({ pattern: ID_PATTERNS.proofPacket });
export const traceId = Type.String({ pattern: ID_PATTERNS.trace });

/** The only version of this interface. */
export const API_VERSION = '2026-04-01';
