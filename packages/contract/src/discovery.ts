import { errors } from './errors.ts';
import { type Operation, operations } from './operations.ts';

/** What `/.well-known/decide.json` says: where everything is, for programs that know the protocol. */
export function discovery(version: string, origin: string): Readonly<Record<string, unknown>> {
  return {
    name: 'Countersign',
    version,
    decision_protocol_version: 'decision_protocol_v1',
    decision_record_version: 'decision_record_v1',
    decision_packet_version: 'decision_packet_v1',
    openapi_url: '/openapi.json',
    llms_url: '/llms.txt',
    verifier_url: '/verify',
    offline_verifier_url: '/countersign-verifier.html',
    playground_url: '/playground',
    key_registry_url: operations.receiptKeys.path,
    checkpoint_url: operations.ledgerCheckpoint.path,
    status_url: operations.status.path,
    ledger_origin: origin,
    authentication: { header: 'x-api-key', alternative: 'authorization: Bearer' },
    operations: Object.fromEntries(
      Object.entries(operations).map(([name, { method, path }]) => [name, { method, path }]),
    ),
  };
}

/** `/llms.txt`: the interface in the words that an agent needs, computed from the same rows as the routes. */
export function llmsText(version: string): string {
  const rows = (Object.entries(operations) as [string, Operation][]).map(
    ([, { method, path, summary, scope }]) =>
      `- ${method} ${path}: ${summary}${scope === 'none' ? ' (no key)' : ''}`,
  );
  const retryable = Object.entries(errors)
    .filter(([, { retryable: again }]) => again)
    .map(([code]) => code);
  return `# Countersign ${version}

> A decision gate. Ask it before a consequential step (a discount, a refund, an access grant, a payout, a CRM
> write-back, a tool call). It answers yes, no or review by a versioned policy, and the answer is a signed record
> with its proof in an append-only ledger.

## How to use it

1. Before acting: POST /api/decide with the header x-api-key and, so that a repetition is harmless,
   x-idempotency-key. Body: {"question": "...", "context": {"workflow": "...", "requested_action": "...", ...}}.
2. Act only if the answer has status 200, verdict is exactly "yes", decision_contract.production_verdict is true,
   now is not after valid_until, and what you will do is what action_binding says. Everything else, an error, a
   timeout and silence included, means: do not act. "review" goes to a person; do not ask again with other facts.
3. After acting: POST /api/decision/{id}/execution, then POST /api/decision/{id}/outcome.
4. Proof for others: GET /api/decision/{id}/packet, verified offline or at /verify.

Never put credentials or data of persons into the context. An agent must not hold the key: a server of yours does.
Errors have the form {"ok": false, "error": CODE, "message", "retryable", "errors": [{"field", "code", "pointer"}]}.
Send the same request again only after: ${retryable.join(', ')}.

## Operations

${rows.join('\n')}

## More

- [OpenAPI 3.1](/openapi.json)
- [Discovery](/.well-known/decide.json)
- [Playground](/playground)
- [Verifier](/verify)
`;
}
