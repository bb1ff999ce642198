"""Decision Packets, bare or in their envelope (docs/spec/artefacts.md, 10 to 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from . import chain
from .artefact import (
    CLAIM,
    CRM_SYNC,
    EXECUTION,
    OUTCOME,
    PLACE,
    REVIEW_OPENED,
    Artefact,
    Kind,
    PublishedKind,
    names_record,
    review_kind,
)
from .canonical import canonical_hash, sorted_hash
from .ledger import PacketLedger, record_entry_type
from .manifest import are_components_known, are_counts_right, has_all_counted
from .record import LATE, PROTOCOL_VERSION, public_hash, verify_record
from .related import are_related
from .report import Checks, Report, list_of, matches, members_of, without
from .reports import REPORTS, report_checks
from .signature import artefact_message, verify_text
from .trust import Trust

PACKET_VERSION = "decision_packet_v1"
# First word of their checks, and of what kind they are, by where artefacts stand in the packet.
LISTS: Dict[str, Tuple[str, Kind]] = {
    "executions": ("execution", EXECUTION),
    "outcomes": ("outcome", OUTCOME),
    "claims": ("claim", CLAIM),
    "crm_syncs": ("crm_sync", CRM_SYNC),
    "reviews": ("review", REVIEW_OPENED),
}
# Entry types that speak of a decision and are no component of its packet.
ASIDE = ("simulation", "packet_export", "report", "erasure")
# None where the packet has no such part. That no part is missing is what `packet_complete` says.
OPTIONAL = frozenset(
    [f"{word}_{what}" for word, _ in LISTS.values() for what in ("hashes", "signatures", "links")]
    + ["execution_content", "outcome_content", "related_records"]
    + [*(kind.check for kind in REPORTS.values()), "report_signatures"]
    + ["stored_input_hash", "policy_hash", "policy_bundle_match"]
    + ["retained_chain_links", "chain_head"]
)

Packet = Dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """An artefact that must be in the ledger, and how the ledger and the chain name it."""

    entry_type: str
    artefact: Artefact
    body: Artefact
    link_hash: Any
    receipt_hash: Any
    created_at: Any

    def link(self) -> Optional[chain.Link]:
        """Its link of the chain, made of its place and itself; None without a place."""
        place = self.artefact.get("audit_chain")
        if not isinstance(place, dict) or place.get("entry_type") != self.entry_type:
            return None
        copied = ("decision_id", "policy_id", "policy_version")
        own = {name: self.artefact.get(name) for name in copied}
        own.update(record_hash=self.link_hash, receipt_hash=self.receipt_hash)
        return {**place, **own, "created_at": self.created_at}


def verify_packet(file: Dict[str, Any], trust: Trust, given_input: Optional[Any] = None) -> Report:
    """All checks of a packet, made even after a failure; of a bare packet the signature is None."""
    is_bare = "decision_packet_version" in file
    packet: Packet = file if is_bare else members_of(file.get("packet"))
    record = members_of(packet.get("decision_record"))
    packet_input = packet.get("input") if given_input is None else given_input
    inner = verify_record(record, trust, packet_input)
    subjects = subjects_of(packet)
    ledger = PacketLedger(members_of(packet.get("ledger")))
    packet_hash = sorted_hash(without(packet, "packet_hash"))
    related, latest = children(packet, "related_records"), latest_entry(ledger)
    checks: Checks = {
        "decision_packet_version": packet.get("decision_packet_version") == PACKET_VERSION
        and packet.get("decision_protocol_version") == PROTOCOL_VERSION,
        "packet_hash": matches(packet.get("packet_hash"), packet_hash),
        "packet_signature": None
        if is_bare
        else holds_signature(file, packet, packet_hash, latest, trust),
        "packet_components_known": are_components_known(packet),
        "packet_manifest_counts": are_counts_right(packet),
        "packet_complete": is_complete(packet, subjects, ledger),
        "decision_record_verified": inner.verified,
        "decision_record_hash_matches_packet": matches(
            packet.get("record_hash"), record.get("record_hash")
        ),
        "decision_receipt_hash_matches_packet": matches(
            packet.get("receipt_hash"), record.get("receipt_hash")
        )
        and matches(packet.get("decision_id"), record.get("decision_id")),
        **child_checks(packet, record, trust),
        "related_records": are_related(record, related, trust),
        **report_checks(packet.get("policy_intelligence"), record, trust, latest),
        **given_checks(packet, record),
        **chain_checks(packet, subjects, ledger),
        "ledger_inclusion": are_included(packet, subjects, ledger),
        "ledger_checkpoint_signature": ledger.is_signed(trust.ledger_keys),
    }
    of_record = {f"record.{name}": held for name, held in inner.checks.items()}
    optional = OPTIONAL | {f"record.{name}" for name in inner.optional}
    return Report("packet", trust.source, {**checks, **of_record}, optional)


def latest_entry(ledger: PacketLedger) -> Optional[str]:
    """When the last entry was made; packet and reports, which have no time, were signed after."""
    times = [entry.get("created_at") for entry in ledger.entries]
    return max((time for time in times if isinstance(time, str)), default=None)


def holds_signature(
    envelope: Dict[str, Any], packet: Packet, packet_hash: Any, latest: Optional[str], trust: Trust
) -> bool:
    """The signature that stands beside the packet."""
    key_id = envelope.get("packet_key_id")
    key = trust.key_not_ended(key_id, latest)
    message = artefact_message(PACKET_VERSION, packet.get("decision_id"), packet_hash, key_id)
    return (
        key is not None
        and envelope.get("packet_signature_algorithm") == "ed25519"
        and verify_text(key.public_key, message, envelope.get("packet_signature"))
    )


def children(packet: Packet, member: str) -> List[Artefact]:
    return [members_of(one) for one in list_of(packet.get(member))]


def kind_of(member: str, artefact: Artefact) -> Kind:
    return review_kind(artefact) if member == "reviews" else LISTS[member][1]


def subjects_of(packet: Packet) -> List[Subject]:
    """The record, what stands in the lists of a packet, and related records."""
    return [
        record_subject(members_of(packet.get("decision_record"))),
        *(
            artefact_subject(kind_of(member, one), one)
            for member in LISTS
            for one in children(packet, member)
        ),
        *map(record_subject, children(packet, "related_records")),
    ]


def record_subject(record: Artefact) -> Subject:
    body, receipt_hash = without(record, *LATE), record.get("receipt_hash")
    hashes = public_hash(record), receipt_hash
    return Subject(record_entry_type(record), record, body, *hashes, record.get("created_at"))


def artefact_subject(kind: Kind, artefact: Artefact) -> Subject:
    body, made_at = without(artefact, *PLACE), artefact.get(kind.at_member)
    return Subject(kind.name, artefact, body, kind.link_hash(artefact), None, made_at)


def is_complete(packet: Packet, subjects: List[Subject], ledger: PacketLedger) -> bool:
    """Whether nothing is left out, as the manifest says and as ledger and chain show.

    Every entry and every link that speaks of this decision must be of an artefact in the packet.
    """
    present = [canonical_hash(subject.body) for subject in subjects]
    entries = [entry.get("subject_hash") for entry in ledger.entries]
    shown = [(subject.entry_type, subject.link_hash) for subject in subjects]
    links = [
        (link.get("entry_type"), link.get("record_hash"))
        for link in retained_links(packet)
        if link.get("decision_id") == packet.get("decision_id")
        and link.get("entry_type") not in ASIDE
    ]
    return (
        has_all_counted(packet)
        and all(one in present for one in entries)
        and len(set(map(str, entries))) == len(entries)
        and all(one in shown for one in links)
    )


def child_checks(packet: Packet, record: Artefact, trust: Trust) -> Checks:
    """Hashes, contents, signatures and links of each list; None where it is empty."""
    checks: Checks = {}
    related = children(packet, "related_records")
    for member, (word, published) in LISTS.items():
        kinds = [(kind_of(member, one), one) for one in children(packet, member)]
        results: Dict[str, List[bool]] = {
            "hashes": [kind.holds_hash(one) for kind, one in kinds],
            "signatures": [kind.holds_signature(one, trust) for kind, one in kinds],
            # What was said of the record that this one carries on belongs here as well.
            "links": [
                any(names_record(one, of) for of in [record, *related])
                if member == "reviews"
                else names_record(one, record)
                for _, one in kinds
            ],
        }
        if isinstance(published, PublishedKind):
            results["content"] = [published.holds_content(one) for _, one in kinds]
        for what, held in results.items():
            checks[f"{word}_{what}"] = all(held) if held else None
    return checks


def given_checks(packet: Packet, record: Dict[str, Any]) -> Checks:
    """Redacted input and policy documents, where the packet has them."""
    documents = [members_of(one).get("document") for one in list_of(packet.get("policies"))]
    hashes = [canonical_hash(document) for document in documents]
    bundle = packet.get("policy_bundle_manifest")
    stored = packet.get("stored_input")
    return {
        "stored_input_hash": None
        if stored is None
        else matches(record.get("stored_input_hash"), sorted_hash(stored)),
        "policy_hash": record.get("policy_hash") in hashes if hashes else None,
        "policy_bundle_match": None
        if bundle is None
        else matches(record.get("policy_bundle_hash"), canonical_hash(bundle)),
    }


def retained_links(packet: Packet) -> List[chain.Link]:
    links = list_of(members_of(packet.get("audit_chain")).get("retained_links"))
    return [members_of(link) for link in links]


def chain_checks(packet: Packet, subjects: List[Subject], ledger: PacketLedger) -> Checks:
    """The links that the artefacts show, and the window of the chain, if there is one."""
    links, whole = retained_links(packet), packet.get("audit_chain")
    record_link = subjects[0].link()
    own = [one.link() for one in subjects if "audit_chain" in one.artefact]
    return {
        "audit_chain_leaf_hash": None
        if record_link is None
        else all(link is not None and chain.holds(link) for link in own),
        "retained_chain_links": None
        if whole is None
        else bool(links)
        and chain.is_unbroken(links)
        and all(agrees(link, other) for link in own if link is not None for other in links)
        and all(is_linked(subject, links, ledger) for subject in subjects),
        "chain_head": None if whole is None else chain.ends_at(links, members_of(whole)),
    }


def agrees(link: chain.Link, other: chain.Link) -> bool:
    """Whether two links at one position are the same."""
    is_other_place = other.get("chain_position") != link.get("chain_position")
    return is_other_place or other.get("link_hash") == link.get("link_hash")


def is_linked(subject: Subject, links: List[chain.Link], ledger: PacketLedger) -> bool:
    """Whether the chain is that of the artefact's entry, and its link there, if retained, too."""
    entry = ledger.entry_of(subject.entry_type, subject.body)
    if entry is None:
        return True
    name = (subject.entry_type, subject.link_hash)
    return links[0].get("chain_id") == f"chain_{str(entry.get('scope_hash'))[:32]}" and all(
        link.get("link_hash") == entry.get("link_hash")
        for link in links
        if (link.get("entry_type"), link.get("record_hash")) == name
    )


def are_included(packet: Packet, subjects: List[Subject], ledger: PacketLedger) -> bool:
    """Whether each artefact, and none twice, is in the ledger of the size that the packet shows."""
    bodies = [canonical_hash(subject.body) for subject in subjects]
    return (
        ledger.is_of_size(members_of(packet.get("packet_manifest")).get("as_of_size"))
        and ledger.is_of_one_scope()
        and len(set(bodies)) == len(bodies)
        and all(is_included(subject, ledger) for subject in subjects)
    )


def is_included(subject: Subject, ledger: PacketLedger) -> bool:
    """Whether the artefact as it stands here has an entry, and the entry a place in the ledger."""
    entry = ledger.entry_of(subject.entry_type, subject.body)
    if entry is None or not ledger.is_place(subject.artefact.get("ledger"), entry):
        return False
    link = members_of(subject.artefact.get("audit_chain")).get("link_hash", entry.get("link_hash"))
    return matches(entry.get("link_hash"), link) and ledger.includes(entry)
