"""The ledger in a packet: entries, inclusion proofs and the checkpoint (docs/spec/ledger.md)."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from .canonical import canonical_hash, canonical_text
from .checkpoint import (
    Checkpoint,
    LedgerKey,
    NoteRefused,
    open_checkpoint,
    parse_checkpoint,
    split_note,
)
from .merkle import leaf_hash, verify_inclusion
from .report import list_of, matches, members_of

ENTRY_VERSION = "ledger_entry_v1"
DECISION, ADVISORY = "decision", "advisory"
ENTRY = {
    *("ledger_entry_version", "seq", "prev_entry_hash", "entry_type"),
    *("subject_hash", "link_hash", "scope_hash", "created_at"),
}
_HASH = re.compile(r"[0-9a-f]{64}")

Entry = Dict[str, Any]


class PacketLedger:
    """Answers whether artefacts are in the ledger that the packet's checkpoint speaks of."""

    def __init__(self, ledger: Dict[str, Any]) -> None:
        self.note: Any = ledger.get("checkpoint")
        self.checkpoint = read_unsigned(self.note)
        self.entries: List[Entry] = [members_of(one) for one in list_of(ledger.get("entries"))]
        self._proofs = [members_of(one) for one in list_of(ledger.get("inclusion"))]

    def is_signed(self, keys: List[LedgerKey]) -> Optional[bool]:
        """Whether a trusted key signed the checkpoint for its own origin; None without keys."""
        if not keys:
            return None
        return isinstance(self.note, str) and any(_opens(self.note, key) for key in keys)

    def entry_of(self, entry_type: str, subject: Dict[str, Any]) -> Optional[Entry]:
        """The entry over an artefact, given without the members that are added later."""
        subject_hash = canonical_hash(subject)
        for entry in self.entries:
            if matches(entry.get("subject_hash"), subject_hash):
                return entry if entry.get("entry_type") == entry_type else None
        return None

    def includes(self, entry: Entry) -> bool:
        """Whether the proof beside the entry leads from it to the root of the checkpoint."""
        seq = entry.get("seq")
        is_entry = set(entry) == ENTRY and entry["ledger_entry_version"] == ENTRY_VERSION
        proofs = [one for one in self._proofs if is_index(seq) and one.get("seq") == seq]
        if self.checkpoint is None or not is_entry or len(proofs) != 1:
            return False
        path = list_of(proofs[0].get("proof"))
        if proofs[0].get("leaf_index") != seq or not all(map(is_hash, path)):
            return False
        leaf = leaf_hash(canonical_text(entry).encode("utf-8"))
        hashes = [bytes.fromhex(node) for node in path]
        return verify_inclusion(leaf, seq, self.checkpoint.size, hashes, self.checkpoint.root)

    def is_of_one_scope(self) -> bool:
        """Whether all entries are of one tenant."""
        return len({str(entry.get("scope_hash")) for entry in self.entries}) == 1

    def is_of_size(self, size: Any) -> bool:
        """Whether the checkpoint is of the size that the packet says it shows, if it says one."""
        return size is None or (self.checkpoint is not None and size == self.checkpoint.size)

    def is_place(self, place: Any, entry: Entry) -> bool:
        """Whether an artefact's own `ledger` member, if it has one, names this entry."""
        return place is None or place == {
            "origin": self.checkpoint.origin if self.checkpoint is not None else None,
            "seq": entry.get("seq"),
            "leaf_index": entry.get("seq"),
            "entry_hash": canonical_hash(entry),
        }


def proof_holds(
    subject: Dict[str, Any], record: Dict[str, Any], keys: List[LedgerKey]
) -> bool:
    """Whether the `ledger_proof` of a record leads from it to a checkpoint under `keys`."""
    proof = members_of(record.get("ledger_proof"))
    entry = members_of(proof.get("entry"))
    seq = entry.get("seq")
    path = {"seq": seq, "leaf_index": seq, "proof": proof.get("proof")}
    ledger = PacketLedger({**proof, "entries": [entry], "inclusion": [path]})
    return (
        ledger.is_signed(keys) is True
        and ledger.checkpoint is not None
        and is_index(proof.get("tree_size"))
        and proof["tree_size"] == ledger.checkpoint.size
        and ledger.entry_of(record_entry_type(record), subject) is entry
        and ledger.is_place(record.get("ledger"), entry)
        and ledger.includes(entry)
    )


def record_entry_type(record: Dict[str, Any]) -> str:
    """Records without authority are entries of a type of their own."""
    place = members_of(record.get("audit_chain"))
    return ADVISORY if place.get("entry_type") == ADVISORY else DECISION


def read_unsigned(note: Any) -> Optional[Checkpoint]:
    """What a note says, whoever signed it; None if it is no checkpoint."""
    try:
        return parse_checkpoint(split_note(note)[0]) if isinstance(note, str) else None
    except NoteRefused:
        return None


def is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _opens(note: str, key: LedgerKey) -> bool:
    try:
        open_checkpoint(note, key)
    except NoteRefused:
        return False
    return True
