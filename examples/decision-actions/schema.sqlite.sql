-- One row per gated action, beside the object that it changes. Before an answer, and without one, the verdict is
-- `none` and both ids are `unanswered:<id>`. The whole Decision Record stands in `decision_records`.
CREATE TABLE IF NOT EXISTS decision_actions (
  id                     text PRIMARY KEY NOT NULL,
  source_system          text NOT NULL,
  source_record_id       text NOT NULL,
  requested_action       text NOT NULL,
  decision_verdict       text NOT NULL CHECK (decision_verdict IN ('yes', 'no', 'review', 'none')),
  decide_request_id      text NOT NULL,
  decide_decision_id     text NOT NULL,
  decide_record_hash     text CHECK (length(decide_record_hash) = 64 AND decide_record_hash NOT GLOB '*[^0-9a-f]*'),
  decide_receipt_hash    text CHECK (length(decide_receipt_hash) = 64 AND decide_receipt_hash NOT GLOB '*[^0-9a-f]*'),
  decide_execution_id    text,
  decide_execution_hash  text CHECK (length(decide_execution_hash) = 64 AND decide_execution_hash NOT GLOB '*[^0-9a-f]*'),
  decide_outcome_id      text,
  decide_outcome_hash    text CHECK (length(decide_outcome_hash) = 64 AND decide_outcome_hash NOT GLOB '*[^0-9a-f]*'),
  decide_packet_hash     text CHECK (length(decide_packet_hash) = 64 AND decide_packet_hash NOT GLOB '*[^0-9a-f]*'),
  decide_verify_url      text,
  decide_replay_url      text,
  evidence_json          text CHECK (
    CASE WHEN evidence_json IS NULL THEN 1
         WHEN json_valid(evidence_json) THEN json_type(evidence_json) = 'array'
         ELSE 0 END),
  action_status          text NOT NULL CHECK (action_status IN (
    'deciding', 'allowed', 'claimed', 'executing', 'executed', 'executed_unreceipted',
    'unknown_result', 'execution_failed', 'mismatch', 'outcome_pending',
    'pending_owner_review', 'blocked', 'expired', 'reverted', 'closed', 'held_capacity',
    'held_unavailable', 'held_local', 'error_auth', 'error_conflict', 'error_invalid')),
  created_at             text NOT NULL CHECK (
    created_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'),
  UNIQUE (source_system, source_record_id, requested_action, decide_decision_id),
  -- Nothing counts as executed that was not permitted, recorded and receipted.
  CHECK (action_status <> 'executed' OR (
    decision_verdict = 'yes' AND decide_execution_id IS NOT NULL
    AND decide_execution_hash IS NOT NULL AND decide_record_hash IS NOT NULL)),
  CHECK (action_status <> 'closed' OR (
    decide_outcome_id IS NOT NULL AND decide_outcome_hash IS NOT NULL))
) STRICT;

-- What a decision gave is written once: from nothing to its value, and never again.
CREATE TRIGGER IF NOT EXISTS decision_actions_write_once
BEFORE UPDATE ON decision_actions
WHEN NEW.id IS NOT OLD.id
   OR NEW.source_system IS NOT OLD.source_system
   OR NEW.source_record_id IS NOT OLD.source_record_id
   OR NEW.requested_action IS NOT OLD.requested_action
   OR NEW.created_at IS NOT OLD.created_at
   OR (OLD.decision_verdict <> 'none' AND NEW.decision_verdict <> OLD.decision_verdict)
   OR (OLD.decide_request_id <> 'unanswered:' || OLD.id AND NEW.decide_request_id <> OLD.decide_request_id)
   OR (OLD.decide_decision_id <> 'unanswered:' || OLD.id AND NEW.decide_decision_id <> OLD.decide_decision_id)
   OR (OLD.decide_record_hash IS NOT NULL AND NEW.decide_record_hash IS NOT OLD.decide_record_hash)
   OR (OLD.decide_receipt_hash IS NOT NULL AND NEW.decide_receipt_hash IS NOT OLD.decide_receipt_hash)
   OR (OLD.decide_execution_id IS NOT NULL AND NEW.decide_execution_id IS NOT OLD.decide_execution_id)
   OR (OLD.decide_execution_hash IS NOT NULL AND NEW.decide_execution_hash IS NOT OLD.decide_execution_hash)
   OR (OLD.decide_outcome_id IS NOT NULL AND NEW.decide_outcome_id IS NOT OLD.decide_outcome_id)
   OR (OLD.decide_outcome_hash IS NOT NULL AND NEW.decide_outcome_hash IS NOT OLD.decide_outcome_hash)
   OR (OLD.decide_packet_hash IS NOT NULL AND NEW.decide_packet_hash IS NOT OLD.decide_packet_hash)
   OR (OLD.decide_verify_url IS NOT NULL AND NEW.decide_verify_url IS NOT OLD.decide_verify_url)
   OR (OLD.decide_replay_url IS NOT NULL AND NEW.decide_replay_url IS NOT OLD.decide_replay_url)
   OR (OLD.evidence_json IS NOT NULL AND NEW.evidence_json IS NOT OLD.evidence_json)
BEGIN
  SELECT RAISE(ABORT, 'decision_actions: what was written stays');
END;

-- A status that is not listed is final.
CREATE TRIGGER IF NOT EXISTS decision_actions_status
BEFORE UPDATE OF action_status ON decision_actions
WHEN NEW.action_status <> OLD.action_status AND NOT (
  CASE OLD.action_status
    WHEN 'deciding' THEN NEW.action_status IN (
      'allowed', 'blocked', 'pending_owner_review', 'held_capacity', 'held_unavailable',
      'held_local', 'error_auth', 'error_conflict', 'error_invalid')
    WHEN 'allowed' THEN NEW.action_status IN ('claimed', 'executing', 'expired', 'held_local')
    WHEN 'claimed' THEN NEW.action_status IN (
      'executed', 'executed_unreceipted', 'execution_failed', 'mismatch', 'unknown_result')
    WHEN 'executing' THEN NEW.action_status IN (
      'executed', 'executed_unreceipted', 'execution_failed', 'mismatch', 'unknown_result')
    WHEN 'executed_unreceipted' THEN NEW.action_status IN ('executed', 'execution_failed', 'mismatch')
    WHEN 'unknown_result' THEN NEW.action_status IN ('executed', 'execution_failed', 'mismatch')
    WHEN 'executed' THEN NEW.action_status IN ('outcome_pending', 'reverted', 'closed')
    WHEN 'outcome_pending' THEN NEW.action_status IN ('closed', 'reverted')
    WHEN 'pending_owner_review' THEN NEW.action_status IN ('allowed', 'blocked', 'expired')
    WHEN 'held_capacity' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'held_unavailable' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'held_local' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'error_auth' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'error_conflict' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'error_invalid' THEN NEW.action_status IN ('deciding', 'pending_owner_review')
    WHEN 'mismatch' THEN NEW.action_status IN ('closed')
    ELSE 0
  END)
BEGIN
  SELECT RAISE(ABORT, 'decision_actions: this status does not follow that one');
END;

-- The full record, and the request with personal members taken out.
CREATE TABLE IF NOT EXISTS decision_records (
  decide_decision_id text PRIMARY KEY NOT NULL,
  record_json        text NOT NULL,
  input_json         text,
  stored_at          text NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS decision_records_stay
BEFORE UPDATE ON decision_records
BEGIN
  SELECT RAISE(ABORT, 'decision_records: a record is never changed');
END;
