import { type ErrorEntry, errors } from './errors.ts';

/** The catalogue as a Markdown page. */
export function renderErrors(): string {
  const rows = Object.entries(errors).map(([code, entry]: [string, ErrorEntry]) => {
    const status = entry.status === 401 ? '401 / 403' : String(entry.status);
    return `| \`${code}\` | ${status} | ${entry.retryable ? 'yes' : 'no'} | ${entry.means} |`;
  });
  return [
    '# Errors',
    '',
    'Generated from the catalogue in `packages/contract/src/errors.ts`. Every refusal has this body, and never a verdict:',
    '`{ok: false, error, message, request_id, retryable, errors[]?, docs_url}`; `errors[]` names places as',
    '`{field, code, message, pointer}`. 401 becomes 403 when the key is known but lacks the scope.',
    '',
    '| Code | Status | Retry | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
