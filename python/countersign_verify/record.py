"""Decision Records: hashes and signature (docs/spec/artefacts.md, 1 to 6)."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .canonical import canonical_hash, sha256_hex, sorted_hash, sorted_text
from .ledger import proof_holds
from .report import Checks, Report, dense, matches, members_of, without
from .rulebook import is_by_rulebook, mirrors_hold, rulebook_checks
from .signature import parse_pem, render_pem, verify_text
from .trust import Trust

PROTOCOL_VERSION = "decision_protocol_v1"
RECORD_VERSION = "decision_record_v1"
SEAL = (
    "record_hash receipt_hash receipt_signature receipt_signature_algorithm receipt_key_id"
    " receipt_public_key receipt_public_key_fingerprint integrity"
).split()
LATE = (
    "audit_chain ledger ledger_proof confidence lifecycle_state superseded_by record_view"
).split()
OUTPUT = (
    "verdict action evidence evidence_checks requirement_state policy_hash policy_bundle_hash"
    " evaluator_version application_verdict reason_code matched_rule_id"
).split()
# The published subset. Texts that are always there are "" when the record has none.
SUBSET_TEXTS = (
    "decision_protocol_version decision_record_version decision_id request_id idempotency_key"
    " verdict action policy_id policy_version policy_hash input_hash output_hash created_at"
    " replay_url verify_url"
).split()
SUBSET_WHEN_FILLED = (
    "policy_bundle_hash application_verdict reason_code matched_rule_id rulebook"
    " rulebook_contract evaluator_version runtime_binding rulebook_registry rulebook_attestation"
    " trusted_adapter adapter_facts"
).split()
BUNDLE = "id version hash hash_algorithm canonicalization source".split()
RECEIPT = (
    "decision_id decision_record_version input_hash output_hash policy_bundle_hash policy_hash"
).split()
# Members that repeat another one; an absent alias is left to `content_hash`.
ALIASES = {
    "c": "verdict",
    "decision": "verdict",
    "source_hash": "policy_hash",
    "evaluated_at": "created_at",
    "replay": "replay_url",
}
V_OF = {"yes": "approved", "no": "denied", "review": "review"}
# Members of `integrity`, which no hash covers, that repeat the record's of the same name.
MIRRORED = (
    "decision_protocol_version input_hash output_hash policy_hash policy_bundle_hash"
    " action_binding_hash record_hash receipt_hash replay_url verify_url"
).split()
# The attestation is None for records that no rulebook decided; of theirs it must hold.
OPTIONAL = frozenset(["input_hash", "ledger_proof", "rulebook_hash", "rulebook_attestation"])

Record = Dict[str, Any]


def verify_record(record: Record, trust: Trust, given_input: Optional[Any] = None) -> Report:
    """All checks of one record, made even after a failure; the input's only where one is given."""
    record_hash = public_hash(record)
    receipt = receipt_hash(record, record_hash)
    pem = record.get("receipt_public_key")
    embedded = parse_pem(pem)
    key_id, created_at = record.get("receipt_key_id"), record.get("created_at")
    trusted = trust.key_at(key_id, created_at)
    is_exact = embedded is not None and pem == render_pem(embedded)
    fingerprint = sha256_hex(pem.encode("utf-8")) if is_exact else None
    is_signed = embedded is not None and holds_signature(record, embedded, receipt, record_hash)
    runtime = members_of(record.get("runtime_binding"))
    binding, manifest = record.get("action_binding"), record.get("evidence_manifest")
    manifest_hash = sorted_hash(manifest)
    checks: Checks = {
        "decision_protocol_version": record.get("decision_protocol_version") == PROTOCOL_VERSION,
        "decision_record_version": record.get("decision_record_version") == RECORD_VERSION,
        "content_hash": None
        if "content_hash" not in runtime
        else matches(runtime["content_hash"], content_hash(record)),
        "record_hash": matches(record.get("record_hash"), record_hash),
        "receipt_hash": matches(record.get("receipt_hash"), receipt),
        "receipt_signature": is_signed,
        "receipt_public_key_fingerprint": matches(
            record.get("receipt_public_key_fingerprint"), fingerprint
        ),
        # An equal key and an exact PEM are an equal fingerprint.
        "receipt_key_trusted": is_signed
        and trusted is not None
        and is_exact
        and trusted.public_key == embedded,
        "action_binding_hash": matches(record.get("action_binding_hash"), sorted_hash(binding)),
        # The manifest's own hash stands in `integrity` alone; the receipt hash is made of it, too.
        "evidence_manifest_hash": isinstance(manifest, dict)
        and members_of(record.get("integrity")).get("evidence_manifest_hash", manifest_hash)
        == manifest_hash,
        "output_hash": matches(record.get("output_hash"), output_hash(record)),
        "alias_consistency": are_aliases_equal(record),
        **rulebook_checks(record, trust, given_input),
        "input_hash": None
        if given_input is None
        else matches(record.get("input_hash"), sorted_hash(given_input)),
        "ledger_proof": None
        if "ledger_proof" not in record or not trust.ledger_keys
        else proof_holds(without(record, *LATE), record, trust.ledger_keys),
    }
    return Report("record", trust.source, checks, OPTIONAL)


def content_hash(record: Record) -> Optional[str]:
    """J of all members but the seal, those added later, and this hash itself."""
    content = without(record, *SEAL, *LATE)
    if isinstance(content.get("runtime_binding"), dict):
        content["runtime_binding"] = without(content["runtime_binding"], "content_hash")
    return canonical_hash(content)


def public_subset(record: Record) -> Dict[str, Any]:
    """The members that `record_hash` covers."""
    manifest, bundle = members_of(record.get("evidence_manifest")), record.get("policy_bundle")
    subset: Dict[str, Any] = {name: record.get(name, "") for name in SUBSET_TEXTS}
    subset["action_binding"] = record.get("action_binding", {})
    subset["evidence"] = record.get("evidence", [])
    subset["evidence_manifest"] = {
        "codes": manifest.get("codes", []),
        "sources": manifest.get("sources", []),
    }
    filled = {name: record.get(name) for name in SUBSET_WHEN_FILLED}
    filled["policy_bundle"] = {name: members_of(bundle).get(name) for name in BUNDLE}
    return {**subset, **dense(filled)}


def public_hash(record: Record) -> Optional[str]:
    """`record_hash`: S of the published subset."""
    return sorted_hash(public_subset(record))


def receipt_hash(record: Record, record_hash: Optional[str]) -> Optional[str]:
    """S over the nine hashes and ids that a receipt stands for."""
    payload = {name: record.get(name) for name in RECEIPT}
    payload["action_binding_hash"] = sorted_hash(record.get("action_binding"))
    payload["evidence_manifest_hash"] = sorted_hash(record.get("evidence_manifest"))
    payload["record_hash"] = record_hash
    return sorted_hash(payload)


def holds_signature(record: Record, key: bytes, receipt: Any, record_hash: Any) -> bool:
    """Whether `key` signed the record's ids and its recomputed hashes."""
    signed = (record.get("decision_id"), record.get("receipt_key_id"), receipt, record_hash)
    return (
        all(isinstance(text, str) for text in signed)
        and record.get("receipt_signature_algorithm") in ("ed25519", "Ed25519")
        and verify_text(key, receipt_message(*signed), record.get("receipt_signature"))
    )


def receipt_message(decision_id: Any, key_id: Any, receipt: Any, record_hash: Any) -> str:
    """The signed text, in S."""
    payload = {"decision_id": decision_id, "key_id": key_id}
    return sorted_text({**payload, "receipt_hash": receipt, "record_hash": record_hash})


def output_hash(record: Record) -> Optional[str]:
    """J of the answer alone: no id and no time."""
    return canonical_hash({name: record[name] for name in OUTPUT if name in record})


def are_aliases_equal(record: Record) -> bool:
    """Whether each member that repeats another one equals it, those of `integrity` included."""
    verdict, runtime = record.get("verdict"), members_of(record.get("runtime_binding"))
    bundle = members_of(record.get("policy_bundle"))
    contract = members_of(record.get("decision_contract"))
    pairs = [(record[name], record.get(of)) for name, of in ALIASES.items() if name in record]
    if "v" in record:
        pairs.append((record["v"], V_OF.get(verdict) if isinstance(verdict, str) else None))
    pairs += [
        (bundle.get("hash"), record.get("policy_bundle_hash")),
        (runtime.get("authority"), contract.get("authority")),
        (runtime.get("valid_until"), record.get("valid_until")),
    ]
    mirror, integrity = mirror_of(record), record.get("integrity", {})
    return (
        all(alias == original for alias, original in pairs)
        and (not is_by_rulebook(record) or mirrors_hold(record))
        and isinstance(integrity, dict)
        and all(name in mirror and mirror[name] == held for name, held in integrity.items())
    )


def mirror_of(record: Record) -> Dict[str, Any]:
    """What `integrity`, which no hash covers, must say."""
    return {
        **{name: record.get(name) for name in MIRRORED},
        "canonicalization": "json.sort_deep.v1",
        "hash_algorithm": "sha256",
        "content_hash": members_of(record.get("runtime_binding")).get("content_hash"),
        "evidence_manifest_hash": sorted_hash(record.get("evidence_manifest")),
        "signature": {
            "algorithm": record.get("receipt_signature_algorithm"),
            "key_id": record.get("receipt_key_id"),
            "public_key_fingerprint": record.get("receipt_public_key_fingerprint"),
        },
    }
