#!/usr/bin/env python3
"""Verifies a Countersign record or packet file offline.

Exit code: 0 verified, 1 not verified, 2 usage or unreadable file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, Optional, Sequence

from countersign_verify.checkpoint import parse_ledger_key
from countersign_verify.packet import verify_packet
from countersign_verify.record import verify_record
from countersign_verify.report import SCOPE, Report
from countersign_verify.strict_json import parse_strict
from countersign_verify.trust import Trust, pinned, read_registry

FILE_BYTES_MAX = 16 * 1024 * 1024


class Unreadable(Exception):
    """A file that cannot be verified at all."""


def main(arguments: Sequence[str]) -> int:
    options = parse_options(arguments)
    try:
        report = verify_value(
            read_json(options.file),
            read_trust(options),
            None if options.input is None else read_json(options.input),
        )
    except (OSError, ValueError, Unreadable) as error:
        print(f"not readable: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_summary(report)
    return 0 if report.verified else 1


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    what = "Verify a Decision Record or a Decision Packet offline."
    parser = argparse.ArgumentParser(description=what, epilog=SCOPE)
    parser.add_argument("file", type=Path)
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--public-key", type=Path, help="trusted receipt key (PEM)")
    keys.add_argument(
        "--key-registry", type=Path, help="trusted keys, as /api/decision/receipt-keys answers them"
    )
    parser.add_argument("--ledger-key", help="trusted ledger key, as name+id+key")
    parser.add_argument("--input", type=Path, help="request body that should hash to input_hash")
    parser.add_argument("--json", action="store_true", help="print the whole result")
    return parser.parse_args(arguments)


def verify_value(value: Any, trust: Trust, given_input: Optional[Any] = None) -> Report:
    """Takes a record, a packet, or a packet in its envelope for what its members say it is."""
    if isinstance(value, dict):
        if "decision_packet_version" in value or isinstance(value.get("packet"), dict):
            return verify_packet(value, trust, given_input)
        if "decision_record_version" in value or "record_hash" in value:
            return verify_record(value, trust, given_input)
    raise Unreadable("neither a record nor a packet")


def read_trust(options: argparse.Namespace) -> Trust:
    trust = Trust()
    if options.key_registry is not None:
        trust = read_registry(read_json(options.key_registry))
    if options.public_key is not None:
        found = pinned(read_text(options.public_key))
        if found is None:
            raise Unreadable(f"{options.public_key} is no Ed25519 public key")
        trust = found
    if options.ledger_key is not None:
        key = parse_ledger_key(options.ledger_key)
        if key is None:
            raise Unreadable("--ledger-key is no verifier key")
        trust = dataclasses.replace(trust, ledger_keys=[key])
    return trust


def read_json(path: Path) -> Any:
    return parse_strict(read_text(path))


def read_text(path: Path) -> str:
    data = path.read_bytes()
    if len(data) > FILE_BYTES_MAX:
        raise Unreadable(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return data.decode("utf-8")


def print_summary(report: Report) -> None:
    held = sum(1 for result in report.checks.values() if result)
    print(f"{report.kind}: {'verified' if report.verified else 'not verified'}")
    print(f"checks held: {held}, key source: {report.key_source}")
    for title, names in (("failed", report.failures), ("could not be checked", report.missing)):
        if names:
            print(f"{title}: {', '.join(names)}")
    print(SCOPE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
