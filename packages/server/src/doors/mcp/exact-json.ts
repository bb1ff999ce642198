import { type ParsedJson, parseJson } from '@countersign/proof';

/** Text that `JSON.stringify` writes as it stands; an engine feature that the type library does not list yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => object };

/**
 * Parses strict JSON and keeps every number as it was written: one that a double would write differently becomes a
 * piece of text, so that `JSON.stringify` gives back what the caller sent. Whoever needs a value reads that text.
 */
export function parseExact(text: string, depthMax: number): ParsedJson {
  return parseJson(text, {
    depthMax,
    readNumber(literal) {
      const double = Number(literal);
      return String(double) === literal ? double : rawJSON(literal);
    },
  });
}
