"""Signed checkpoints and proofs in text form: C2SP signed-note, tlog-checkpoint and tlog-proof."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

from .ed25519 import verify

SIGNATURES_MAX = 100
SIZE_MAX = 2**53 - 1
PATH_MAX = 63
ALGORITHM_ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class NoteRefused(ValueError):
    """A note that is not accepted; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Checkpoint:
    """What a ledger of `size` entries hashes to."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class LedgerKey:
    """The key that signs the checkpoints of one origin."""

    origin: str
    public_key: bytes

    @property
    def note_key_id(self) -> bytes:
        """First four bytes of SHA-256(name, line feed, algorithm, key)."""
        name = self.origin.encode("utf-8")
        return hashlib.sha256(name + b"\n" + ALGORITHM_ED25519 + self.public_key).digest()[:4]


@dataclass(frozen=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes


def open_checkpoint(note: str, key: LedgerKey) -> Checkpoint:
    """The checkpoint of a note that `key` signed for its own origin. Raises `NoteRefused`."""
    text, signatures = split_note(note)
    ours = [one for one in signatures if (one.name, one.key_id) == (key.origin, key.note_key_id)]
    if not ours:
        raise NoteRefused("checkpoint_unsigned")
    if not all(verify(key.public_key, text.encode("utf-8"), one.signature) for one in ours):
        raise NoteRefused("checkpoint_signature_invalid")
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != key.origin:
        raise NoteRefused("checkpoint_other_origin")
    return checkpoint


def split_note(note: str) -> Tuple[str, List[NoteSignature]]:
    """Signed text, its last line feed included, and the signatures under it."""
    end = note.rfind("\n\n")
    if end < 0 or end + 2 == len(note):
        raise NoteRefused("note_signature_missing")
    text, below = note[: end + 1], note[end + 2 :]
    if _CONTROL.search(text):
        raise NoteRefused("note_text_malformed")
    if not below.endswith("\n"):
        raise NoteRefused("note_signature_malformed")
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteRefused("note_signatures_too_many")
    return text, [_parse_signature(line) for line in lines]


def parse_checkpoint(text: str) -> Checkpoint:
    """Origin, size and root of a note's text; nothing is said about who signed it."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise NoteRefused("checkpoint_malformed")
    root = decode_base64(lines[2])
    if int(lines[1]) > SIZE_MAX or root is None or len(root) != 32:
        raise NoteRefused("checkpoint_malformed")
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_ledger_key(text: str) -> Optional[LedgerKey]:
    """A verifier key `name+hex id+base64(1, key)`, if its id is that of name and key."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        return None
    name, key_id, encoded = parts
    decoded = decode_base64(encoded)
    if decoded is None or len(decoded) != 33 or decoded[:1] != ALGORITHM_ED25519:
        return None
    key = LedgerKey(name, decoded[1:])
    return key if key.note_key_id.hex() == key_id else None


@dataclass(frozen=True)
class TextProof:
    """A tlog-proof: the path of one leaf, and the note over the tree it leads to."""

    index: int
    path: List[bytes]
    note: str


def parse_tlog_proof(text: str) -> TextProof:
    """Reads a tlog-proof; raises `NoteRefused`. Neither path nor signature is verified here."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise NoteRefused("proof_malformed")
    if lines and lines[0].startswith("extra ") and decode_base64(lines.pop(0)[6:]) in (None, b""):
        raise NoteRefused("proof_malformed")
    index = lines.pop(0) if lines else ""
    if not index.startswith("index ") or not _SIZE.fullmatch(index[6:]) or len(lines) > PATH_MAX:
        raise NoteRefused("proof_malformed")
    path = [decode_base64(line) for line in lines]
    if int(index[6:]) > SIZE_MAX:
        raise NoteRefused("proof_malformed")
    parse_checkpoint(split_note(note)[0])
    hashes = [node for node in path if node is not None and len(node) == 32]
    if len(hashes) < len(path):
        raise NoteRefused("proof_malformed")
    return TextProof(int(index[6:]), hashes, note)


def decode_base64(text: str) -> Optional[bytes]:
    """Bytes of standard base64 with padding; None unless `text` is their only spelling."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode("ascii") == text else None


def _parse_signature(line: str) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    decoded = decode_base64(match.group(2)) if match else None
    if match is None or decoded is None or len(decoded) < 5:
        raise NoteRefused("note_signature_malformed")
    return NoteSignature(match.group(1), decoded[:4], decoded[4:])
