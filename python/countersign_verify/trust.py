"""Which keys the reader trusts: a pinned key, or a snapshot of the issuer's key registry.

Keys inside a record or a packet are never trusted for being there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, List, Optional

from .canonical import sha256_hex
from .checkpoint import LedgerKey, parse_ledger_key
from .signature import parse_pem

RECEIPT_USE = "receipt_signature"
ATTESTATION_USE = "rulebook_attestation_signature"
STATUSES = ("pending", "active", "retired")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class RegistryRefused(ValueError):
    """A registry with a fault anywhere is refused as a whole."""


@dataclass(frozen=True)
class ReceiptKey:
    """A trusted key; a pinned one has neither id nor window, so it fits every id and time."""

    public_key: bytes
    key_id: Optional[str] = None
    status: str = "active"
    not_before: Optional[str] = None
    not_after: Optional[str] = None

    def has_ended(self, at: str) -> bool:
        return self.not_after is not None and at >= self.not_after

    def covers(self, at: str) -> bool:
        """Whether `not_before <= at < not_after`; times have one form, so their texts compare."""
        return not self.has_ended(at) and (self.not_before is None or self.not_before <= at)


@dataclass(frozen=True)
class Trust:
    """`source` names where the keys come from, for the report.

    `attestation_keys` is None without a registry: then the record's signature, which covers the
    key that signed the attestation, is all that speaks for it.
    """

    source: str = "none"
    receipt_keys: List[ReceiptKey] = field(default_factory=list)
    ledger_keys: List[LedgerKey] = field(default_factory=list)
    attestation_keys: Optional[List[ReceiptKey]] = None

    def key_at(self, key_id: Any, at: Any) -> Optional[ReceiptKey]:
        """The key of this id that was in use at that time."""
        found = self._key(key_id) if is_time(at) else None
        return found if found is not None and found.covers(at) else None

    def key_not_ended(self, key_id: Any, at: Any) -> Optional[ReceiptKey]:
        """For what was signed at an unknown time not before `at`."""
        found = self._key(key_id) if is_time(at) else None
        return found if found is not None and not found.has_ended(at) else None

    def knows_attestation_key(self, key_id: Any, public_key: bytes, at: Any) -> bool:
        """Whether the registry, if there is one, has this key under this id at that time."""
        if self.attestation_keys is None:
            return True
        return is_time(at) and any(
            key.key_id == key_id and key.public_key == public_key and key.covers(at)
            for key in self.attestation_keys
        )

    def _key(self, key_id: Any) -> Optional[ReceiptKey]:
        if not isinstance(key_id, str):
            return None
        return next((one for one in self.receipt_keys if one.key_id in (None, key_id)), None)


def is_time(value: Any) -> bool:
    """RFC 3339 in UTC with three fraction digits."""
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def pinned(pem: str) -> Optional[Trust]:
    """Trust in the key of one PEM file."""
    key = parse_pem(pem)
    return None if key is None else Trust("public_key_file", [ReceiptKey(key)])


def read_registry(value: Any) -> Trust:
    """Trust in a registry as `/api/decision/receipt-keys` answers it. Raises `RegistryRefused`.

    Keys under `revoked_keys` are never trusted, not even for what they signed before.
    """
    if not isinstance(value, dict):
        raise RegistryRefused("the registry is not an object")
    entries = _entries(value, "keys")
    keys = [_receipt_key(entry) for entry in entries]
    ids = [entry["key_id"] for entry in entries + _entries(value, "revoked_keys")]
    if len(set(ids)) < len(ids):
        raise RegistryRefused("a key id twice")
    uses = [str(entry.get("use")) for entry, key in zip(entries, keys) if key.status == "active"]
    if len(set(uses)) < len(uses):
        raise RegistryRefused("two active keys of one use")
    receipt_keys, attestation_keys = (
        [key for entry, key in zip(entries, keys) if entry.get("use") == use]
        for use in (RECEIPT_USE, ATTESTATION_USE)
    )
    ledger_keys = [_ledger_key(entry) for entry in _entries(value, "ledger_keys")]
    return Trust("key_registry", receipt_keys, ledger_keys, attestation_keys)


def _entries(registry: Any, name: str) -> List[Any]:
    entries = registry.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RegistryRefused(f"{name} is not a list of keys")
    if not all(isinstance(entry.get("key_id"), str) for entry in entries):
        raise RegistryRefused("a key without an id")
    return entries


def _receipt_key(entry: Any) -> ReceiptKey:
    key_id, status = entry["key_id"], entry.get("status")
    if status not in STATUSES:
        raise RegistryRefused(f"{key_id} is {status}")
    since, until = entry.get("not_before"), entry.get("not_after")
    ends = until is not None
    if not is_time(since) or (ends and not is_time(until)) or (ends and until <= since):
        raise RegistryRefused(f"the validity window of {key_id}")
    if (status == "retired") != ends:
        raise RegistryRefused(f"{key_id} is {status}, and its end says otherwise")
    return ReceiptKey(_public_key(entry), key_id, status, since, until)


def _public_key(entry: Any) -> bytes:
    """The key of an entry, whose fingerprint must be that of its PEM text."""
    pem = entry.get("public_key")
    key = parse_pem(pem)
    if key is None or entry.get("public_key_pem", pem) != pem:
        raise RegistryRefused(f"the PEM of {entry['key_id']}")
    if sha256_hex(pem.encode("utf-8")) != entry.get("public_key_fingerprint"):
        raise RegistryRefused(f"the fingerprint of {entry['key_id']}")
    return key


def _ledger_key(entry: Any) -> LedgerKey:
    text, origin = entry.get("verifier_key"), entry.get("origin")
    if text is None and isinstance(origin, str):
        return LedgerKey(origin, _public_key(entry))
    key = parse_ledger_key(text) if isinstance(text, str) else None
    if key is None or key.public_key != _public_key(entry) or key.origin != origin:
        raise RegistryRefused(f"the verifier key of {entry['key_id']}")
    return key
