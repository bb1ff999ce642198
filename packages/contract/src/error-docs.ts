import { type GeniusErrorEntry, geniusErrors } from './communication/errors.ts';
import { type ErrorEntry, errors } from './errors.ts';

/** The catalogues as a Markdown page. */
export function renderErrors(): string {
  const rows = Object.entries(errors).map(([code, entry]: [string, ErrorEntry]) => {
    const status = entry.status === 401 ? '401 / 403' : String(entry.status);
    return `| \`${code}\` | ${status} | ${entry.retryable ? 'yes' : 'no'} | ${entry.means} |`;
  });
  const communication = Object.entries(geniusErrors).map(
    ([code, { status, retryable, meaning, resolution }]: [string, GeniusErrorEntry]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${meaning} | ${resolution} |`,
  );
  return [
    '# Errors',
    '',
    '## Decide',
    '',
    'Generated from the catalogue in `packages/contract/src/errors.ts`. Every refusal has this body, and never a verdict:',
    '`{ok: false, error, message, request_id, retryable, errors[]?, docs_url}`; `errors[]` names places as',
    '`{field, code, message, pointer}`. 401 becomes 403 when the key is known but lacks the scope.',
    '',
    '| Code | Status | Retry | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Communication',
    '',
    'Generated from the catalogue in `packages/contract/src/communication/errors.ts`, which `GET /v1/errors` serves as well.',
    'Every refusal has this body: `{error: {type, code, message, param?, details[]?, docs_url, trace_id, retryable},',
    'action_gate: {allowed: false, requires_human_review: true, blocked_reason}}`.',
    '',
    '| Code | Status | Retry | Meaning | What to do |',
    '|---|---|---|---|---|',
    ...communication,
    '',
    'The Scenario door answers with JSON-RPC errors, see [its guide](guides/decision-gate.md).',
    '',
  ].join('\n');
}
