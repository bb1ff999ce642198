import { geniusText } from './communication/discovery.ts';
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
    scenario_rpc_url: '/rpc',
    mcp_url: '/mcp',
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

There are three doors over one ledger. Decide (/api/decide): one question, one answer. Scenario (/rpc): runs that go
through stages whose gates open on evidence. Communication (/v1/decisions): a message, and the step about to be taken
on it. MCP clients find the tools of all three at /mcp.

## The Decide door

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

## The Scenario door

POST /rpc takes one JSON-RPC 2.0 request, e.g. {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name":
"scenario_status", "arguments": {...}}}; "tools/list" describes the tools with their schemas, and
decision_gate_docs_search finds what the documents say. API keys are not for this door. Unless configured otherwise, a
server in the environment "test" serves callers on the same machine, and one in "live" serves nobody here.

1. scenario_define registers stages, gates and conditions over evidence; a definition never changes.
2. scenario_start begins a run; a run id is used once.
3. scenario_next asks to go on, once per trigger_id: the same trigger_id gets the recorded decision again. Go on only if
   decision.outcome.kind is "complete", or "advance" with "timeout": false (true: the time of the stage ran out, and no
   gate opened). "hold" means that a gate is not shown true: get the evidence, then ask with a new trigger_id. "fail"
   ends the run. An error means: do not go on.
4. runpack_export writes the run as files that anybody can verify offline.

${geniusText()}

## MCP

POST /mcp (Streamable HTTP, no sessions; revisions 2025-11-25 and 2026-07-28) has the tools of the Scenario door and
decide, get_decision, claim_decision, report_execution, report_outcome (with an API key), verify_record, precheck_message
(looks at a message, records nothing) and decide_communication (with an actor's two headers).
"countersign mcp" is the same on standard input and output. "countersign mcp-proxy" stands before another MCP server and
asks the Decide door before each of its tool calls.

## Operations of the Decide door

${rows.join('\n')}

## More

- Guides, in the repository: docs/guides/policies.md (policies), docs/guides/decision-gate.md (scenarios, their
  configuration), docs/guides/mcp.md (MCP clients and the proxy)
- GET /healthz, GET /readyz: {"status": "ok"}, {"status": "ready"}; not ready is 503
- [OpenAPI 3.1](/openapi.json)
- [Discovery](/.well-known/decide.json), and [that of the Communication door](/.well-known/genius.json)
- [Playground](/playground)
- [Verifier](/verify)
`;
}
