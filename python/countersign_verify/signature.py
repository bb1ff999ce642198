"""Signatures and public keys in text form."""

from __future__ import annotations

import base64
import re
from typing import Any, Optional

from .canonical import canonical_text
from .checkpoint import decode_base64
from .ed25519 import verify

SIGNATURE = re.compile(r"ed25519:([A-Za-z0-9_-]{86})")
# DER of a SubjectPublicKeyInfo up to the 32 bytes of an Ed25519 key, RFC 8410.
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_PEM = re.compile(
    r"\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*"
)


def verify_text(public_key: bytes, message: str, signature: Any) -> bool:
    """Whether `ed25519:` and base64url, in their only spelling, sign the message."""
    match = SIGNATURE.fullmatch(signature) if isinstance(signature, str) else None
    if match is None:
        return False
    raw = base64.urlsafe_b64decode(match.group(1) + "==")
    if base64.urlsafe_b64encode(raw).decode("ascii")[:86] != match.group(1):
        return False
    return verify(public_key, message.encode("utf-8"), raw)


def artefact_message(version: str, own_id: Any, own_hash: Any, key_id: Any) -> str:
    """Signed text of whatever is no record: receipts, outcomes, claims, reports, packets."""
    return canonical_text({"type": version, "id": own_id, "hash": own_hash, "key_id": key_id})


def parse_pem(text: Any) -> Optional[bytes]:
    """The raw key of an Ed25519 PEM, however it is wrapped; None for anything else."""
    match = _PEM.fullmatch(text) if isinstance(text, str) else None
    der = decode_base64("".join(match.group(1).split())) if match else None
    if der is None or len(der) != 44 or not der.startswith(SPKI_PREFIX):
        return None
    return der[len(SPKI_PREFIX) :]


def render_pem(public_key: bytes) -> str:
    """The only PEM text that fingerprints are taken of: LF line ends, none at the end."""
    body = base64.b64encode(SPKI_PREFIX + public_key).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
