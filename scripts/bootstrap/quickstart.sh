#!/usr/bin/env bash
# Drives a running decision gate through its whole flow and stops at the first answer that is not as it should be:
# define, start, next, export, verify, then a second scenario, a data shape and a precheck. Needs bash, curl and node.
#
#   DG_URL        where the server answers      (http://127.0.0.1:4000/rpc)
#   DG_SUFFIX     makes the ids of this run new (time and process id)
#   RUNPACK_ROOT  directory for the runpack, on the server's machine (a new temporary one)
set -euo pipefail

DG_URL="${DG_URL:-http://127.0.0.1:4000/rpc}"
DG_SUFFIX="${DG_SUFFIX:-$(date +%s)-$$}"
RUNPACK_ROOT="${RUNPACK_ROOT:-$(mktemp -d)}"

RUNPACK_DIR="$RUNPACK_ROOT/quickstart-$DG_SUFFIX"
SCENARIO="quickstart-$DG_SUFFIX"
FILE_SCENARIO="quickstart-file-$DG_SUFFIX"
SCHEMA="quickstart-shape-$DG_SUFFIX"
RUN="run-$DG_SUFFIX"

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

post() {
  curl -sS --max-time 30 "$DG_URL" -H 'content-type: application/json' --data-binary "$1"
}

# call STEP TOOL ARGUMENTS CONDITION: calls a tool; CONDITION is JavaScript over `it`, what the tool gives.
call() {
  local answer
  answer="$(post '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"'"$2"'","arguments":'"$3"'}}')" ||
    fail "$1: no answer from $DG_URL"
  ANSWER="$answer" CONDITION="$4" node -e '
    const { ANSWER, CONDITION } = process.env;
    const it = JSON.parse(ANSWER).result?.content?.[0]?.json;
    if (it === undefined || !new Function("it", `return ${CONDITION}`)(it)) process.exit(1);
  ' || fail "$1: expected $4, got $answer"
  echo "ok  $1"
}

wait_until_served() {
  for _ in $(seq 60); do
    if post '{"jsonrpc":"2.0","id":0,"method":"tools/list"}' 2>/dev/null | grep -q '"result"'; then return; fi
    sleep 0.5
  done
  fail "nothing answers at $DG_URL; start a server with: decision-gate serve --config configs/presets/quickstart-dev.toml"
}

# scenario ID GATE CONDITION QUERY EXPECTED: a scenario of one stage with one gate.
scenario() {
  cat <<JSON
{
  "spec": {
    "scenario_id": "$1",
    "namespace_id": 1,
    "spec_version": "v1",
    "stages": [
      {
        "stage_id": "main",
        "entry_packets": [],
        "gates": [{ "gate_id": "$2", "requirement": { "Condition": "$3" } }],
        "advance_to": { "kind": "terminal" },
        "timeout": null,
        "on_timeout": "fail"
      }
    ],
    "conditions": [
      { "condition_id": "$3", "query": $4, "comparator": "equals", "expected": $5, "policy_tags": [] }
    ],
    "policies": [],
    "schemas": [],
    "default_tenant_id": 1
  }
}
JSON
}

NOW='{ "kind": "unix_millis", "value": 1710000000000 }'
AFTER='{ "provider_id": "time", "check_id": "after", "params": { "timestamp": 1700000000000 } }'
REPORT='{ "provider_id": "json", "check_id": "path", "params": { "file": "report.json", "jsonpath": "$.summary.failed" } }'
SCOPE='"tenant_id": 1, "namespace_id": 1'

wait_until_served
echo "ok  tools/list"

call 'define' scenario_define "$(scenario "$SCENARIO" after-time after "$AFTER" true)" \
  "it.scenario_id === '$SCENARIO' && /^[0-9a-f]{64}\$/.test(it.spec_hash.value)"
call 'start' scenario_start "{
  \"scenario_id\": \"$SCENARIO\",
  \"run_config\": { $SCOPE, \"run_id\": \"$RUN\", \"scenario_id\": \"$SCENARIO\", \"dispatch_targets\": [], \"policy_tags\": [] },
  \"started_at\": $NOW,
  \"issue_entry_packets\": false
}" "it.run_id === '$RUN' && it.status === 'active'"
call 'next' scenario_next "{
  \"scenario_id\": \"$SCENARIO\",
  \"request\": { $SCOPE, \"run_id\": \"$RUN\", \"trigger_id\": \"trigger-1\", \"agent_id\": \"agent-1\", \"time\": $NOW, \"correlation_id\": null }
}" "it.decision.outcome.kind === 'complete' && it.status === 'completed'"
call 'export' runpack_export "{
  $SCOPE, \"scenario_id\": \"$SCENARIO\", \"run_id\": \"$RUN\", \"generated_at\": $NOW,
  \"include_verification\": true, \"output_dir\": \"$RUNPACK_DIR\", \"manifest_name\": \"manifest.json\"
}" "it.manifest.run_id === '$RUN' && it.report.status === 'pass'"
call 'verify' runpack_verify "{ \"runpack_dir\": \"$RUNPACK_DIR\", \"manifest_path\": \"manifest.json\" }" \
  "it.status === 'pass' && it.report.checked_files === 8"
call 'define with a file' scenario_define "$(scenario "$FILE_SCENARIO" report-ok report_ok "$REPORT" 0)" \
  "it.scenario_id === '$FILE_SCENARIO'"
call 'register a schema' schemas_register "{
  \"record\": {
    $SCOPE, \"schema_id\": \"$SCHEMA\", \"version\": \"v1\", \"description\": \"quickstart payload\", \"created_at\": $NOW,
    \"schema\": {
      \"type\": \"object\",
      \"additionalProperties\": false,
      \"required\": [\"report_ok\"],
      \"properties\": { \"report_ok\": { \"type\": \"number\" } }
    }
  }
}" "it.record.schema_id === '$SCHEMA'"
call 'precheck' precheck "{
  $SCOPE, \"scenario_id\": \"$FILE_SCENARIO\", \"stage_id\": \"main\",
  \"data_shape\": { \"schema_id\": \"$SCHEMA\", \"version\": \"v1\" },
  \"payload\": { \"report_ok\": 0 }
}" "it.decision.kind === 'complete' && it.gate_evaluations[0].status === 'True'"

echo "quickstart: all steps passed; the runpack is in $RUNPACK_DIR"
