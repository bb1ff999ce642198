"""What a record has besides where a rulebook decided: the rulebook's hash, and its attestation."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .canonical import canonical_hash, sorted_hash
from .report import Checks, matches, members_of
from .signature import parse_pem, render_pem, verify_text
from .trust import Trust

EVALUATOR = "decide_rulebook_v1"
# The members of `runtime_binding` that an attestation repeats, those that there are.
ATTESTED_RUNTIME = (
    "production_core binding_mode verdict_authority adapter_authority customer_supplied_code"
).split()
ATTESTED_OUTCOME = "status verdict application_verdict action reason_code".split()

Record = Dict[str, Any]


def is_by_rulebook(record: Record) -> bool:
    return record.get("mode") == "rulebook"


def rulebook_checks(record: Record, trust: Trust, given_input: Optional[Any]) -> Checks:
    """Both None for the record of a stored policy, the hash also without the input."""
    by_rulebook = is_by_rulebook(record)
    rulebook = members_of(record.get("rulebook"))
    return {
        "rulebook_hash": None
        if given_input is None or not by_rulebook
        else matches(
            rulebook.get("hash"), sorted_hash(members_of(given_input).get("rulebook"))
        ),
        "rulebook_attestation": holds_attestation(record, trust, given_input)
        if by_rulebook
        else None,
    }


def holds_attestation(record: Record, trust: Trust, given_input: Optional[Any]) -> bool:
    """Whether the attestation says what the record says, and its key signed it."""
    attestation = members_of(record.get("rulebook_attestation"))
    bundle = members_of(attestation.get("bundle"))
    bundle_hash, facts = sorted_hash(bundle), facts_hash(record, given_input)
    # Compared as texts: in Python, 1 equals true.
    said = attested_bundle(record, bundle.get("input_hash") if facts is None else facts)
    return (
        attestation.get("schema_version") == "rulebook_attestation_v1"
        and matches(attestation.get("bundle_hash"), bundle_hash)
        and matches(canonical_hash(bundle), canonical_hash(said))
        and holds_signature(record, members_of(attestation.get("signature")), bundle_hash, trust)
    )


def attested_bundle(record: Record, input_hash: Any) -> Dict[str, Any]:
    """What an attestation of this record says; what is not there is said to be null."""
    runtime = members_of(record.get("runtime_binding"))
    outcome = {name: record.get(name) for name in (*ATTESTED_OUTCOME, "matched_rule_id")}
    return {
        "engine": record.get("engine"),
        "evaluator_version": record.get("evaluator_version"),
        "rulebook": record.get("rulebook"),
        "input_hash": input_hash,
        "outcome": outcome,
        "runtime_binding": {name: runtime[name] for name in ATTESTED_RUNTIME if name in runtime},
        "trusted_adapter": record.get("trusted_adapter"),
    }


def facts_hash(record: Record, given_input: Optional[Any]) -> Any:
    """S of the facts that were judged: an adapter's or the request's; None if not at hand."""
    if "trusted_adapter" in record:
        return members_of(record["trusted_adapter"]).get("output_hash")
    judged = record.get("stored_input_hash", record.get("input_hash"))
    if given_input is None or not matches(judged, sorted_hash(given_input)):
        return None
    context = members_of(members_of(given_input).get("context"))
    return sorted_hash(members_of(context.get("inputs")))


def holds_signature(
    record: Record, envelope: Dict[str, Any], bundle_hash: Any, trust: Trust
) -> bool:
    """The signature over the 64 digits, by a key that the registry knows, where there is one."""
    pem = envelope.get("public_key_pem")
    key = parse_pem(pem)
    return (
        envelope.get("schema_version") == "rulebook_attestation_signature_v1"
        and envelope.get("status") == "signed"
        and envelope.get("algorithm") == "Ed25519"
        and envelope.get("signed_field") == "bundle_hash"
        and key is not None
        and pem == render_pem(key)
        and isinstance(bundle_hash, str)
        and verify_text(key, bundle_hash, f"ed25519:{envelope.get('signature')}")
        and trust.knows_attestation_key(envelope.get("key_id"), key, record.get("created_at"))
    )


def mirrors_hold(record: Record) -> bool:
    """Whether what a rulebook's record says twice is the same both times."""
    rulebook = members_of(record.get("rulebook"))
    contract = members_of(record.get("decision_contract"))
    registry, adapter = record.get("rulebook_registry"), record.get("trusted_adapter")
    is_registered = contract.get("source") == "registered_rulebook"
    is_binding = contract.get("authority") == "binding"
    evaluators = (
        record.get("engine"),
        record.get("evaluator_version"),
        members_of(record.get("rulebook_contract")).get("evaluator_version"),
    )
    return (
        all(evaluator == EVALUATOR for evaluator in evaluators)
        and rulebook.get("id") == record.get("policy_id")
        and rulebook.get("version") == record.get("policy_version")
        and rulebook.get("hash") == record.get("policy_hash")
        and record.get("evidence") == [record.get("reason_code")]
        and contract.get("production_verdict") is is_binding
        # Only what somebody registered can bind, and it is this rulebook that they registered.
        and (is_registered or not is_binding)
        and (registry is not None or not is_registered)
        and (registry is None or members_of(registry).get("hash") == rulebook.get("hash"))
        and (
            adapter is None
            or matches(
                members_of(adapter).get("output_hash"), sorted_hash(record.get("adapter_facts"))
            )
        )
    )
