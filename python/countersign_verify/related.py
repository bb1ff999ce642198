"""The records beside a packet's own: the one that it carries on, and those that carry it on."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .record import verify_record
from .report import matches
from .trust import Trust

Record = Dict[str, Any]
# An owner answers the same question about the same action, by the same policy.
SAME = ("input_hash", "action_binding_hash", "policy_hash")


def are_related(record: Record, related: List[Record], trust: Trust) -> Optional[bool]:
    """Whether each is verified and parent or child of the record; None where it stands alone."""
    has_parent = "parent_decision_id" in record
    if not related:
        return False if has_parent else None
    parents = [other for other in related if is_parent(other, record)]
    return len(parents) == int(has_parent) and all(
        (is_parent(other, record) or is_parent(record, other))
        and all(other.get(name) == record.get(name) for name in SAME)
        and verify_record(other, trust).verified
        for other in related
    )


def is_parent(parent: Record, child: Record) -> bool:
    """Whether the child names the parent by its id and its hash."""
    return matches(child.get("parent_decision_id"), parent.get("decision_id")) and matches(
        child.get("parent_record_hash"), parent.get("record_hash")
    )
