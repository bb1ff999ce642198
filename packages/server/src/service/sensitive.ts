import { type FieldError, fieldError } from '@countersign/contract';
import { isMembers } from '@countersign/proof';

/** What a member's name says of its value. */
export type Sensitivity = 'secret' | 'personal' | undefined;

/**
 * Words of names, in lower case; several words of one entry stand beside each other in the name. Names fall into
 * words at `_`, `-`, `.`, white space and where small letters meet capitals: `sessionId` has the word `session`,
 * `tokenizer` and `secretary` have none of these.
 */
const SECRET = words(
  'api key, apikey, token, accesstoken, authtoken, apitoken, secret, secrets, password, passwords, passwd, ' +
    'passphrase, authorization, cookie, cookies, session, sessionid, bearer',
);
const PERSONAL = words(
  'email, emails, e mail, emailaddress, phone, phones, phonenumber, telephone, ssn, credit, card, cards, ' +
    'creditcard, iban, ibans, address, addresses',
);
/** Names remembered; callers choose them, so there is an end to it. */
const NAMES_MAX = 4_096;
const known = new Map<string, Sensitivity>();

export function sensitivityOf(name: string): Sensitivity {
  if (known.has(name)) return known.get(name);
  const parts = (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((part) =>
    part.toLowerCase(),
  );
  const has = (list: readonly (readonly string[])[]): boolean =>
    list.some((wanted) =>
      parts.some((_, at) => wanted.every((word, offset) => parts[at + offset] === word)),
    );
  const found = has(SECRET) ? 'secret' : has(PERSONAL) ? 'personal' : undefined;
  if (known.size >= NAMES_MAX) known.clear();
  known.set(name, found);
  return found;
}

/** The members of a request in which names are looked at. Its question is not: it is a sentence. */
const SEARCHED = ['context', 'options', 'adapter', 'scenarios'] as const;

/** Places of members named like credentials, in document order. */
export function secretsIn(request: object): FieldError[] {
  const found: string[] = [];
  for (const name of SEARCHED) {
    const value = (request as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) search(value, `/${name}`, 'secret', found);
  }
  return found.slice(0, PLACES_MAX).map((pointer) => fieldError(pointer, 'name_forbidden'));
}

/** Places listed in one answer. */
const PLACES_MAX = 100;

/** JSON Pointers of members named like something personal whose value could say it. */
export function personalIn(request: object): string[] {
  const found: string[] = [];
  for (const name of SEARCHED) {
    const value = (request as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) search(value, `/${name}`, 'personal', found);
  }
  return found;
}

function search(
  value: unknown,
  path: string,
  wanted: Exclude<Sensitivity, undefined>,
  found: string[],
): void {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      if (typeof item === 'object') search(item, `${path}/${at}`, wanted, found);
    }
    return;
  }
  if (!isMembers(value)) return;
  for (const name in value) {
    const item = value[name];
    if (sensitivityOf(name) === wanted && (wanted === 'secret' || saysSomething(item))) {
      found.push(`${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    } else if (typeof item === 'object') {
      search(item, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, wanted, found);
    }
  }
}

/** `card_required: true` names nobody. */
function saysSomething(value: unknown): boolean {
  return value !== null && typeof value !== 'boolean';
}

function words(list: string): readonly (readonly string[])[] {
  return list.split(', ').map((entry) => entry.split(' '));
}
