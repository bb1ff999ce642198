// @ts-check

/**
 * @typedef {typeof import('./checks.mjs').checks} Checks
 * @typedef {Readonly<Record<string, unknown>>} Members
 */

/** How long a check may take, in milliseconds, before the condition is unknown. */
const CHECK_TIMEOUT_MS = 5_000;

/** Largest request and largest answer, in bytes. */
const BODY_BYTES_MAX = 1_048_576;

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * Answers `evidence_query` over frames (`Content-Length: <bytes>`, an empty line, a JSON-RPC 2.0 body), one after the
 * other, until the input ends. A frame that makes no sense gets an error and does not end the process.
 *
 * @param {Checks} checks
 * @param {import('node:stream').Readable} input
 * @param {import('node:stream').Writable} output
 */
export async function serve(checks, input, output) {
  for await (const body of frames(input)) {
    const text = JSON.stringify(await respond(checks, body));
    const small = Buffer.byteLength(text) <= BODY_BYTES_MAX;
    const answer = small ? text : JSON.stringify(failure(null, -32050, 'the answer is too large'));
    output.write(`Content-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`);
  }
}

/**
 * @param {AsyncIterable<Buffer>} input
 * @returns {AsyncGenerator<string | undefined>} bodies; `undefined` for a frame that has none
 */
async function* frames(input) {
  let read = Buffer.alloc(0);
  /** @type {number | undefined} */
  let size;
  for await (const chunk of input) {
    read = Buffer.concat([read, chunk]);
    for (;;) {
      if (size === undefined) {
        const end = read.indexOf(HEADER_END);
        if (end < 0) break;
        const header = read.toString('latin1', 0, end);
        read = read.subarray(end + HEADER_END.length);
        const length = Number(/^Content-Length: *(\d+) *$/m.exec(header)?.[1]);
        if (!(length <= BODY_BYTES_MAX)) {
          yield undefined;
          continue;
        }
        size = length;
      }
      if (read.length < size) break;
      yield read.toString('utf8', 0, size);
      read = read.subarray(size);
      size = undefined;
    }
  }
}

/**
 * @param {Checks} checks
 * @param {string | undefined} body
 */
async function respond(checks, body) {
  const request = parse(body);
  if (request === undefined) return failure(null, -32600, 'invalid json-rpc request');
  const { id = null, method } = request;
  if (method !== 'tools/call') return failure(id, -32601, 'method not found');
  const params = members(request['params']);
  if (params['name'] !== 'evidence_query') return failure(id, -32601, 'unknown tool');
  const { query, context } = members(params['arguments']);
  const result = await evidence(checks, members(query), members(context));
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'json', json: result }] } };
}

/**
 * @param {Checks} checks
 * @param {Members} query
 * @param {Members} context
 */
async function evidence(checks, query, context) {
  const name = String(query['check_id']);
  const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
  if (check === undefined) return refused('check_unknown', `there is no check \`${name}\` here`);
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(new Late()), CHECK_TIMEOUT_MS);
    });
    const asked = Promise.resolve(check(members(query['params']), context));
    const { value, anchor } = /** @type {import('./checks.mjs').Answer} */ (
      await Promise.race([asked, late])
    );
    return {
      ...EMPTY,
      value: { kind: 'json', value },
      evidence_anchor: { anchor_type: name, anchor_value: anchor },
      content_type: 'application/json',
    };
  } catch (error) {
    if (error instanceof Late) return refused('timeout', 'the check took too long');
    const { code, message } = /** @type {{ code?: unknown, message?: unknown }} */ (error);
    if (typeof code === 'string' && code !== '') return refused(code, String(message));
    // What went wrong is for the log of whoever runs this; the record only says that something did.
    console.error(error);
    return refused('internal', 'the check failed');
  } finally {
    clearTimeout(timer);
  }
}

class Late extends Error {}

/** An evidence result with nothing in it. The server hashes the value itself. */
const EMPTY = {
  value: null,
  lane: 'verified',
  error: null,
  evidence_hash: null,
  evidence_ref: null,
  evidence_anchor: null,
  signature: null,
  content_type: null,
};

/**
 * @param {string} code
 * @param {string} message
 */
function refused(code, message) {
  return { ...EMPTY, error: { code, message, details: null } };
}

/**
 * @param {unknown} id
 * @param {number} code
 * @param {string} message
 */
function failure(id, code, message) {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

/**
 * @param {string | undefined} body
 * @returns {Members | undefined}
 */
function parse(body) {
  try {
    const value = JSON.parse(body ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} value
 * @returns {Members}
 */
function members(value) {
  return typeof value === 'object' && value !== null ? /** @type {Members} */ (value) : {};
}
