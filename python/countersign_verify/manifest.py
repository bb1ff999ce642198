"""What a packet holds, and what its manifest says of it."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .ledger import is_index
from .report import members_of
from .reports import report_names

KNOWN = set(
    (
        "decision_packet_version decision_protocol_version decision_id record_hash receipt_hash"
        " decision_record related_records input stored_input executions outcomes claims crm_syncs"
        " reviews policy_intelligence policies policy_bundle_manifest audit_chain ledger keys"
        " verification_hints packet_manifest packet_hash"
    ).split()
)
# Components that every manifest counts, and those that it counts when there are any.
ALWAYS = ("decision_records", "execution_receipts", "outcome_records")
SOMETIMES = ("claims", "crm_sync_receipts", "reviews", "reports")

Packet = Dict[str, Any]


def are_components_known(packet: Packet) -> bool:
    """Whether every part is one that this verifier checks; others are not passed over."""
    return set(packet) <= KNOWN and set(components_of(packet)) <= {*ALWAYS, *SOMETIMES}


def are_counts_right(packet: Packet) -> bool:
    """Whether the manifest counts what is there."""
    related = length_of(packet, "related_records")
    lengths = {
        "decision_records": None if related is None else 1 + related,
        "execution_receipts": length_of(packet, "executions"),
        "outcome_records": length_of(packet, "outcomes"),
        "claims": length_of(packet, "claims"),
        "crm_sync_receipts": length_of(packet, "crm_syncs"),
        "reviews": length_of(packet, "reviews"),
        "reports": len(report_names(packet.get("policy_intelligence"))),
    }
    counts = {name: members_of(part).get("count") for name, part in components_of(packet).items()}
    return all(
        is_index(counts[name]) and counts[name] == length
        if name in counts
        else name in SOMETIMES and length == 0
        for name, length in lengths.items()
    )


def has_all_counted(packet: Packet) -> bool:
    """Whether the manifest says that nothing was left out."""
    parts = [members_of(part) for part in components_of(packet).values()]
    return members_of(packet.get("packet_manifest")).get("complete") is True and all(
        is_index(part.get("total")) and part["total"] == part.get("count") for part in parts
    )


def components_of(packet: Packet) -> Dict[str, Any]:
    return members_of(members_of(packet.get("packet_manifest")).get("components"))


def length_of(packet: Packet, member: str) -> Optional[int]:
    """How many items a list has; a packet without it has none of them."""
    items = packet.get(member, [])
    return len(items) if isinstance(items, list) else None
