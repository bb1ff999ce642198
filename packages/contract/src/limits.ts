/** Bounds of the wire, each with its unit. */

/** Largest body of an ordinary route, in bytes. */
export const BODY_BYTES_MAX = 256 * 1024;
/** Deepest JSON of an ordinary route, in nested arrays and objects. */
export const BODY_DEPTH_MAX = 32;
/** Largest body of the verification route, which takes packets, in bytes. */
export const VERIFY_BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Largest body of a batch, in bytes. */
export const BATCH_BODY_BYTES_MAX = 8 * 1024 * 1024;
/** A batch holds requests two levels down. */
export const BATCH_BODY_DEPTH_MAX = BODY_DEPTH_MAX + 3;
export const VERIFY_BODY_DEPTH_MAX = 64;
/** Longest member name, in characters. */
export const NAME_LENGTH_MAX = 160;
/** Field errors in one answer. */
export const FIELD_ERRORS_MAX = 100;
/** Longest path in a field error, in characters. */
export const FIELD_PATH_LENGTH_MAX = 300;
/** Evidence references of one request. */
export const EVIDENCE_REFS_MAX = 16;
/** Signed source claims of one request. */
export const ATTESTATIONS_MAX = 16;
