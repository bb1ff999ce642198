/** Largest message. What is larger, as a packet may be, is verified over HTTP or offline. */
export const BODY_BYTES_MAX = 1_048_576;
/** Deepest message: what the deepest tool accepts, and the protocol's members around it. */
export const BODY_DEPTH_MAX = 130;
