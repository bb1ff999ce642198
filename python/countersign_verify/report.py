"""What a verification found: one answer per check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Optional

SCOPE = (
    "Hashes, signatures, links and proofs only. This verifier does not decide again: whether the"
    " policy gives this verdict for this input, and whether the record is consistent with itself"
    " beyond its hashes, it does not say."
)

# True, false, or None for a check that could not be made.
Checks = Dict[str, Optional[bool]]


@dataclass(frozen=True)
class Report:
    """`optional` names the checks that may be None in something verified; none may be false."""

    kind: str
    key_source: str
    checks: Checks
    optional: FrozenSet[str]

    @property
    def failures(self) -> List[str]:
        return [name for name, held in self.checks.items() if held is False]

    @property
    def missing(self) -> List[str]:
        checks = self.checks.items()
        return [name for name, held in checks if held is None and name not in self.optional]

    @property
    def verified(self) -> bool:
        return not self.failures and not self.missing

    def as_json(self) -> Dict[str, Any]:
        return {
            "ok": self.verified,
            "verified": self.verified,
            "kind": self.kind,
            "key_source": self.key_source,
            "checks": self.checks,
            "failures": self.failures,
            "missing": self.missing,
            "scope": SCOPE,
        }


def matches(claimed: Any, computed: Any) -> bool:
    """Whether a text is there and equals the computed one."""
    return isinstance(claimed, str) and claimed == computed


def members_of(value: Any) -> Dict[str, Any]:
    """The object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def without(value: Dict[str, Any], *names: str) -> Dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


def is_hollow(value: Any) -> bool:
    return value is None or value == "" or value == {} or value == []


def dense(value: Any) -> Any:
    """The value without members that are null or empty, at every depth."""
    if isinstance(value, dict):
        kept = {name: dense(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if not is_hollow(item)}
    if isinstance(value, list):
        return [dense(item) for item in value]
    return value
