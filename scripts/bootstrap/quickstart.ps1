# Drives a running decision gate through its whole flow and stops at the first answer that is not as it should be:
# define, start, next, export, verify, then a second scenario, a data shape and a precheck.
#
#   DG_URL        where the server answers      (http://127.0.0.1:4000/rpc)
#   DG_SUFFIX     makes the ids of this run new (time and process id)
#   RUNPACK_ROOT  directory for the runpack, on the server's machine (below the temporary directory)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$url = if ($env:DG_URL) { $env:DG_URL } else { 'http://127.0.0.1:4000/rpc' }
$suffix = if ($env:DG_SUFFIX) { $env:DG_SUFFIX } else { "$([DateTimeOffset]::UtcNow.ToUnixTimeSeconds())-$PID" }
$root = if ($env:RUNPACK_ROOT) { $env:RUNPACK_ROOT } else { Join-Path ([IO.Path]::GetTempPath()) 'decision-gate-runpacks' }

$runpackDir = Join-Path $root "quickstart-$suffix"
$scenario = "quickstart-$suffix"
$fileScenario = "quickstart-file-$suffix"
$schema = "quickstart-shape-$suffix"
$run = "run-$suffix"
$now = @{ kind = 'unix_millis'; value = 1710000000000 }
$scope = @{ tenant_id = 1; namespace_id = 1 }

function Stop-Quickstart([string] $text) {
  [Console]::Error.WriteLine("quickstart: $text")
  exit 1
}

function Send-Rpc([hashtable] $request) {
  $body = [Text.Encoding]::UTF8.GetBytes(($request | ConvertTo-Json -Depth 32 -Compress))
  Invoke-RestMethod -Uri $url -Method Post -ContentType 'application/json' -Body $body -TimeoutSec 30
}

# Calls a tool. $holds says of what the tool gives whether it is as expected.
function Invoke-Step([string] $step, [string] $tool, [hashtable] $arguments, [scriptblock] $holds) {
  try {
    $answer = Send-Rpc @{ jsonrpc = '2.0'; id = 1; method = 'tools/call'; params = @{ name = $tool; arguments = $arguments } }
  } catch {
    Stop-Quickstart "${step}: $_"
  }
  if ($answer.PSObject.Properties['error'] -or -not (& $holds $answer.result.content[0].json)) {
    Stop-Quickstart "${step}: unexpected answer $($answer | ConvertTo-Json -Depth 32 -Compress)"
  }
  Write-Output "ok  $step"
}

function Wait-Server {
  foreach ($attempt in 1..60) {
    try {
      if ((Send-Rpc @{ jsonrpc = '2.0'; id = 0; method = 'tools/list' }).PSObject.Properties['result']) { return }
    } catch {
      # Not up yet; the last attempt falls through to the message below.
    }
    Start-Sleep -Milliseconds 500
  }
  Stop-Quickstart "nothing answers at $url; start a server with: decision-gate serve --config configs/presets/quickstart-dev.toml"
}

# A scenario of one stage with one gate.
function New-Scenario([string] $id, [string] $gate, [string] $condition, [hashtable] $query, $expected) {
  @{
    spec = @{
      scenario_id = $id
      namespace_id = 1
      spec_version = 'v1'
      stages = @(
        @{
          stage_id = 'main'
          entry_packets = @()
          gates = @(@{ gate_id = $gate; requirement = @{ Condition = $condition } })
          advance_to = @{ kind = 'terminal' }
          timeout = $null
          on_timeout = 'fail'
        }
      )
      conditions = @(
        @{ condition_id = $condition; query = $query; comparator = 'equals'; expected = $expected; policy_tags = @() }
      )
      policies = @()
      schemas = @()
      default_tenant_id = 1
    }
  }
}

$after = @{ provider_id = 'time'; check_id = 'after'; params = @{ timestamp = 1700000000000 } }
$report = @{ provider_id = 'json'; check_id = 'path'; params = @{ file = 'report.json'; jsonpath = '$.summary.failed' } }

Wait-Server
Write-Output 'ok  tools/list'

Invoke-Step 'define' 'scenario_define' (New-Scenario $scenario 'after-time' 'after' $after $true) {
  $args[0].scenario_id -eq $scenario -and $args[0].spec_hash.value -match '^[0-9a-f]{64}$'
}
Invoke-Step 'start' 'scenario_start' @{
  scenario_id = $scenario
  run_config = $scope + @{ run_id = $run; scenario_id = $scenario; dispatch_targets = @(); policy_tags = @() }
  started_at = $now
  issue_entry_packets = $false
} { $args[0].run_id -eq $run -and $args[0].status -eq 'active' }
Invoke-Step 'next' 'scenario_next' @{
  scenario_id = $scenario
  request = $scope + @{ run_id = $run; trigger_id = 'trigger-1'; agent_id = 'agent-1'; time = $now; correlation_id = $null }
} { $args[0].decision.outcome.kind -eq 'complete' -and $args[0].status -eq 'completed' }
Invoke-Step 'export' 'runpack_export' ($scope + @{
  scenario_id = $scenario
  run_id = $run
  generated_at = $now
  include_verification = $true
  output_dir = $runpackDir
  manifest_name = 'manifest.json'
}) { $args[0].manifest.run_id -eq $run -and $args[0].report.status -eq 'pass' }
Invoke-Step 'verify' 'runpack_verify' @{ runpack_dir = $runpackDir; manifest_path = 'manifest.json' } {
  $args[0].status -eq 'pass' -and $args[0].report.checked_files -eq 8
}
Invoke-Step 'define with a file' 'scenario_define' (New-Scenario $fileScenario 'report-ok' 'report_ok' $report 0) {
  $args[0].scenario_id -eq $fileScenario
}
Invoke-Step 'register a schema' 'schemas_register' @{
  record = $scope + @{
    schema_id = $schema
    version = 'v1'
    description = 'quickstart payload'
    created_at = $now
    schema = @{
      type = 'object'
      additionalProperties = $false
      required = @('report_ok')
      properties = @{ report_ok = @{ type = 'number' } }
    }
  }
} { $args[0].record.schema_id -eq $schema }
Invoke-Step 'precheck' 'precheck' ($scope + @{
  scenario_id = $fileScenario
  stage_id = 'main'
  data_shape = @{ schema_id = $schema; version = 'v1' }
  payload = @{ report_ok = 0 }
}) { $args[0].decision.kind -eq 'complete' -and $args[0].gate_evaluations[0].status -eq 'True' }

Write-Output "quickstart: all steps passed; the runpack is in $runpackDir"
