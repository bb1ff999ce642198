/** Why a correlation id is refused; for the audit. */
export type CorrelationFault =
  | 'empty_after_trim'
  | 'too_long'
  | 'contains_whitespace'
  | 'contains_control_char'
  | 'non_ascii'
  | 'contains_disallowed_char';

/** Longest correlation id, in characters. */
const CORRELATION_LENGTH_MAX = 128;

/** Characters of a token, RFC 7230 §3.2.6. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Why a caller's correlation id may not be repeated, after white space around it is cut off. */
export function correlationFault(text: string): CorrelationFault | undefined {
  const id = text.trim();
  if (id === '') return 'empty_after_trim';
  if (id.length > CORRELATION_LENGTH_MAX) return 'too_long';
  if (TOKEN.test(id)) return undefined;
  if (/\s/.test(id)) return 'contains_whitespace';
  if (/\p{Cc}/u.test(id)) return 'contains_control_char';
  return /\P{ASCII}/u.test(id) ? 'non_ascii' : 'contains_disallowed_char';
}
