"""Reports about the policy of a packet's record: hashes and signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .canonical import sorted_hash
from .report import Checks, matches, members_of, without
from .signature import artefact_message, verify_text
from .trust import Trust

SIGNATURES = "signatures"


@dataclass(frozen=True)
class ReportKind:
    """`check` is what its hash is called among the checks, `word` where it says its version."""

    check: str
    hash_member: str
    word: str

    @property
    def version(self) -> str:
        return f"decision_{self.word}_v1"

    def own_hash(self, report: Dict[str, Any]) -> Optional[str]:
        """S of the bare report without its own hash."""
        return sorted_hash(without(report, self.hash_member))


# By their names in `policy_intelligence`.
REPORTS = {
    "effectiveness": ReportKind("policy_effectiveness_hash", "effectiveness_hash", "effectiveness"),
    "anomalies": ReportKind("anomaly_report_hash", "anomaly_hash", "anomaly_report"),
    "confidence": ReportKind("confidence_hash", "confidence_hash", "confidence"),
    "benchmarks": ReportKind("benchmark_hash", "benchmark_hash", "benchmark"),
}


def report_names(intelligence: Any) -> List[str]:
    return [name for name in members_of(intelligence) if name != SIGNATURES]


def report_checks(
    intelligence: Any, record: Dict[str, Any], trust: Trust, latest: Optional[str]
) -> Checks:
    """The four hashes, None for a report that is not there, and all signatures in one.

    Reports have no time; they are as young as the packet's last entry, made at `latest`.
    """
    reports = members_of(intelligence)
    checks: Checks = {kind.check: None for kind in REPORTS.values()}
    for name, kind in REPORTS.items():
        if name in reports:
            report = members_of(reports[name])
            checks[kind.check] = matches(report.get(kind.hash_member), kind.own_hash(report))
    signatures, policy_id = members_of(reports.get(SIGNATURES)), record.get("policy_id")
    checks["report_signatures"] = (
        None
        if intelligence is None
        else isinstance(intelligence, dict)
        and all(
            name in REPORTS
            and holds_signature(
                REPORTS[name],
                members_of(reports[name]),
                members_of(signatures.get(name)),
                policy_id,
                trust,
                latest,
            )
            for name in report_names(reports)
        )
    )
    return checks


def holds_signature(
    kind: ReportKind,
    report: Dict[str, Any],
    signed: Dict[str, Any],
    policy_id: Any,
    trust: Trust,
    latest: Optional[str],
) -> bool:
    """Whether a report is of its kind and of this policy, and a trusted key signed it."""
    key_id = signed.get("key_id")
    key = trust.key_not_ended(key_id, latest)
    message = artefact_message(kind.version, policy_id, kind.own_hash(report), key_id)
    return (
        report.get(f"decision_{kind.word}_version") == kind.version
        and matches(report.get("policy_id"), policy_id)
        and key is not None
        and verify_text(key.public_key, message, signed.get("signature"))
    )
