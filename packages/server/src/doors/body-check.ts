import { type Fault, type Operation, type OperationName, parser } from '@countersign/contract';
import { isMembers } from '@countersign/proof';
import { secretsIn } from '../service/sensitive.ts';

/** Refuses a request before its schema is looked at; for what a door forbids by name. */
export type Screen = (operation: OperationName, body: unknown) => Fault | undefined;

/**
 * Makes the check of a parsed body: what the door forbids by name, then the form that the operation documents, then
 * members that are named like credentials.
 */
export function bodyCheck(
  name: OperationName,
  { request, rulebookRequest, errors }: Operation,
  screen: Screen,
): (body: unknown) => Fault | undefined {
  const parse = request === undefined ? undefined : parser(request);
  const parseRulebook = rulebookRequest === undefined ? parse : parser(rulebookRequest);
  const mayHoldSecrets = errors.includes('DECIDE_CONTEXT_SECRET_FORBIDDEN');
  return (body) => {
    const screened = screen(name, body);
    if (screened !== undefined) return screened;
    const parsed = (isRulebookRequest(body) ? parseRulebook : parse)?.(body);
    if (parsed?.ok === false) return { code: 'DECIDE_API_INVALID_REQUEST', fields: parsed.fields };
    const secrets = mayHoldSecrets && isMembers(body) ? secretsIn(body) : [];
    return secrets.length === 0
      ? undefined
      : { code: 'DECIDE_CONTEXT_SECRET_FORBIDDEN', fields: secrets };
  };
}

/** Whether a request brings its rules along; it then has another form. */
function isRulebookRequest(body: unknown): boolean {
  return isMembers(body) && (body['mode'] === 'rulebook' || 'rulebook' in body);
}
