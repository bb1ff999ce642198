"""Receipts, outcomes, claims, CRM receipts and reviews: hash, signature, link to the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Optional

from .canonical import canonical_hash, sorted_hash
from .report import dense, list_of, matches, members_of, without
from .signature import artefact_message, verify_text
from .trust import Trust

Artefact = Dict[str, Any]

PLACE = ("audit_chain", "ledger", "ledger_proof")
CONTENT_REFERENCE = "content_hash"
_COMMON = (
    "decision_protocol_version decision_id idempotency_key action_taken target_system"
    " target_object_id mutation external_ref decision_record_hash decision_receipt_hash"
    " decision_verdict decision_action policy_id policy_version policy_bundle_hash action_binding"
    " evidence_refs executed_at reported_at decision_found"
).split()
_EXECUTION_ONLY = (
    "decision_execution_version execution_receipt_id execution_status execution_result executor"
    " execution_id action_binding_hash action_binding_match state_before_hash state_after_hash"
    " state_before_ref state_after_ref execution_input_hash"
).split()
_OUTCOME_ONLY = (
    "decision_outcome_version outcome_id outcome_status action_executed observed_metrics"
    " outcome_input_hash"
).split()


@dataclass(frozen=True)
class Kind:
    """What an artefact other than a record is called, and where it says what.

    `name` is its entry type in the ledger, `word` begins its hash, signature and key id members.
    """

    name: str
    word: str
    version: str
    id_member: str
    at_member: str

    @property
    def hash_member(self) -> str:
        return f"{self.word}_hash"

    @property
    def seal(self) -> List[str]:
        return [f"{self.word}_{member}" for member in ("hash", "signature", "key_id")]

    def own_hash(self, artefact: Artefact) -> Optional[str]:
        """J of all members but the seal and the place in the ledger."""
        return canonical_hash(without(artefact, *self.seal, *PLACE))

    def link_hash(self, artefact: Artefact) -> Optional[str]:
        """What the chain knows it by: the hash of the whole, where none is published."""
        return canonical_hash(without(artefact, *PLACE))

    def holds_hash(self, artefact: Artefact) -> bool:
        version_member = self.version[: -len("_v1")] + "_version"
        return artefact.get(version_member) == self.version and matches(
            artefact.get(self.hash_member), self.own_hash(artefact)
        )

    def holds_signature(self, artefact: Artefact, trust: Trust) -> bool:
        """Whether a key that was trusted when the artefact was made signed the recomputed hash."""
        key_id, own_hash = artefact.get(f"{self.word}_key_id"), self.own_hash(artefact)
        key = trust.key_at(key_id, artefact.get(self.at_member))
        message = artefact_message(self.version, artefact.get(self.id_member), own_hash, key_id)
        signature = artefact.get(f"{self.word}_signature")
        return key is not None and verify_text(key.public_key, message, signature)


@dataclass(frozen=True)
class PublishedKind(Kind):
    """A kind whose own hash covers the published members only; a content hash covers the rest."""

    published: FrozenSet[str]

    def content_hash(self, artefact: Artefact) -> Optional[str]:
        """J of all members but the seal, the place in the ledger, and this hash."""
        # An outcome names its receipt's `execution_hash`, which is content there.
        return canonical_hash(
            self._without_content_hash(without(artefact, *self.seal, *PLACE))
        )

    def claimed_content_hash(self, artefact: Artefact) -> Any:
        """The content hash that the artefact carries; None if it stands in the wrong place."""
        if self is EXECUTION:
            return members_of(artefact.get("execution_result")).get("content_hash")
        references = list_of(artefact.get("evidence_refs"))
        last = members_of(references[-1]) if references else {}
        ours = (CONTENT_REFERENCE, artefact.get("outcome_id"))
        return last.get("hash") if (last.get("type"), last.get("id")) == ours else None

    def public_subset(self, artefact: Artefact) -> Dict[str, Any]:
        """The members that the published hash covers, without hollow ones at every depth."""
        return dense({name: item for name, item in artefact.items() if name in self.published})

    def own_hash(self, artefact: Artefact) -> Optional[str]:
        """`execution_hash` or `outcome_hash`: S of the published subset."""
        return sorted_hash(self.public_subset(artefact))

    def link_hash(self, artefact: Artefact) -> Optional[str]:
        return self.own_hash(artefact)

    def holds_content(self, artefact: Artefact) -> bool:
        return matches(self.claimed_content_hash(artefact), self.content_hash(artefact))

    def _without_content_hash(self, artefact: Artefact) -> Artefact:
        member = "execution_result" if self is EXECUTION else "evidence_refs"
        held = artefact.get(member)
        if self is EXECUTION:
            rest: Any = without(held, "content_hash") if isinstance(held, dict) else held
        else:
            rest = held[:-1] if isinstance(held, list) else held
        return {**without(artefact, member), **({member: rest} if rest else {})}


EXECUTION = PublishedKind(
    *("execution", "execution", "decision_execution_v1", "execution_receipt_id", "reported_at"),
    published=frozenset(_COMMON + _EXECUTION_ONLY),
)
OUTCOME = PublishedKind(
    *("outcome", "outcome", "decision_outcome_v1", "outcome_id", "reported_at"),
    published=frozenset(_COMMON + _OUTCOME_ONLY),
)
CLAIM = Kind("claim", "claim", "decision_claim_v1", "claim_id", "claimed_at")
CRM_SYNC = Kind("crm_sync", "sync", "decision_crm_sync_v1", "sync_id", "reported_at")
_REVIEW = ("review", "decision_review_v1", "review_id")
REVIEW_OPENED = Kind("review_opened", *_REVIEW, "opened_at")
REVIEW_RESOLVED = Kind("review_resolved", *_REVIEW, "resolved_at")


def review_kind(review: Artefact) -> Kind:
    """Which of the two a review artefact is."""
    return REVIEW_OPENED if "opened_at" in review else REVIEW_RESOLVED


def names_record(artefact: Artefact, record: Dict[str, Any]) -> bool:
    """Whether the artefact names the decision by id, record hash and receipt hash, all three."""
    return all(
        matches(artefact.get(member), record.get(of))
        for member, of in (
            ("decision_id", "decision_id"),
            ("decision_record_hash", "record_hash"),
            ("decision_receipt_hash", "receipt_hash"),
        )
    )
