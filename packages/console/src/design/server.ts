import { isMembers, type Members } from '@countersign/proof';
import { readJson } from './json-text.ts';

/** What a server answered. `text` is the body as it came, which is what may be verified or shown. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Members of the body; none where it is no JSON object. */
  readonly body: Members;
}

/** Calls the server that this page came from. `undefined`: it could not be reached. */
export async function call(
  path: string,
  init: RequestInit = {},
): Promise<ServerAnswer | undefined> {
  try {
    const response = await fetch(path, { credentials: 'omit', ...init });
    const text = await response.text();
    const read = readJson(text);
    const body = read.ok && isMembers(read.value) ? read.value : {};
    return { status: response.status, headers: response.headers, text, body };
  } catch {
    return undefined;
  }
}
