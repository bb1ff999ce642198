import type { JsonObject } from '@countersign/policy';
import { canonicalJson, isMembers, sha256Hex, sortedJson } from '@countersign/proof';
import type { Ports } from './decide.ts';
import { personalIn } from './sensitive.ts';

/** A request as it is judged and kept. */
export interface TakenIn {
  /** Canonical text of the request as it is kept. */
  readonly storedText: string;
  /** Hash of the request as it was received. */
  readonly inputHash: string;
  /** Hash of the kept one, where something in it was replaced; else absent. */
  readonly storedInputHash?: string | undefined;
  /** JSON Pointers of replaced members. */
  readonly redactions?: readonly string[] | undefined;
  /** The request as it is kept: nothing else is judged, so a replay sees the same. */
  readonly request: JsonObject;
  /** Its context; `{}` without one. */
  readonly context: JsonObject;
}

/**
 * Takes a request in. What is personal is replaced by a commitment before anything is judged or kept: HMAC-SHA256
 * under a key of the tenant over the value's RFC 8785 text. Equal values stay recognisable, until that key is gone.
 */
export function takeIn(
  ports: Pick<Ports, 'commitment'>,
  tenant: string,
  request: { readonly context?: unknown },
): TakenIn {
  const text = sortedJson(request);
  const inputHash = sha256Hex(text);
  const redactions = personalIn(request);
  if (redactions.length === 0) {
    return { storedText: text, inputHash, ...judgedOf(request as JsonObject) };
  }
  const replace = (value: unknown): JsonObject => ({
    $commitment: `hmac-sha256:${ports.commitment(tenant, canonicalJson(value))}`,
  });
  const kept = replaced(request, '', new Set(redactions), replace) as JsonObject;
  const storedText = sortedJson(kept);
  return {
    storedText,
    inputHash,
    storedInputHash: sha256Hex(storedText),
    redactions,
    ...judgedOf(kept),
  };
}

function judgedOf(request: JsonObject): Pick<TakenIn, 'request' | 'context'> {
  return { request, context: (request['context'] ?? {}) as JsonObject };
}

/** A copy in which the members at `places` are replaced. */
function replaced(
  value: unknown,
  path: string,
  places: ReadonlySet<string>,
  replace: (value: unknown) => JsonObject,
): unknown {
  if (places.has(path)) return replace(value);
  if (Array.isArray(value)) {
    return value.map((item, at) => replaced(item, `${path}/${at}`, places, replace));
  }
  if (!isMembers(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      replaced(item, `${path}/${escaped(name)}`, places, replace),
    ]),
  );
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
