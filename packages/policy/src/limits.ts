/** Deepest requirement tree the kernel accepts, counted in edges from the root. */
export const REQUIREMENT_DEPTH_MAX = 32;

/** Deepest requirement tree a policy document may state, counted in edges from the root. */
export const DOCUMENT_DEPTH_MAX = 8;

/** Most nodes of one requirement tree, leaves included. */
export const REQUIREMENT_NODES_MAX = 256;

/** Most children of one `and`, `or` or `group`; the least is 1, since an empty tree permits nothing. */
export const REQUIREMENT_CHILDREN_MAX = 32;

/**
 * Most conditions of one policy document. With 7 built-in codes and 1 denial this fills the 32
 * evidence codes that a record can carry.
 */
export const CONDITIONS_MAX = 24;

/** Longest number literal read, in characters. */
export const NUMBER_CHARACTERS_MAX = 1_000;

/** Largest power of ten a number literal may end up with, in either direction. Doubles need 324. */
export const NUMBER_EXPONENT_MAX = 1_000;

/** How far ahead of the judging instant a piece of evidence may claim to have been observed. */
export const CLOCK_SKEW_MS = 5_000;
