#!/usr/bin/env python3
"""Runs the cases under `vectors/` that speak of texts, hashes, proofs, signatures and packets.

`python3 python/test_vectors.py -v` names each value of the worked example with its text, S or J.
The other cases, of `vectors/policy`, `vectors/truth` and rulebooks, are about deciding, which this
verifier does not.
"""

from __future__ import annotations

import copy
import json
import struct
import unittest
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from countersign_verify import chain
from countersign_verify.artefact import (
    CLAIM,
    CRM_SYNC,
    EXECUTION,
    OUTCOME,
    REVIEW_OPENED,
    REVIEW_RESOLVED,
    PublishedKind,
    names_record,
    review_kind,
)
from countersign_verify.canonical import (
    COLLATION,
    NoCanonicalText,
    canonical_hash,
    canonical_text,
    number_text,
    sha256_hex,
    sorted_hash,
    sorted_text,
)
from countersign_verify.checkpoint import (
    LedgerKey,
    NoteRefused,
    open_checkpoint,
    parse_ledger_key,
    parse_tlog_proof,
)
from countersign_verify.ed25519 import verify
from countersign_verify.merkle import (
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from countersign_verify.packet import PACKET_VERSION, subjects_of, verify_packet
from countersign_verify.record import (
    OUTPUT,
    content_hash,
    output_hash,
    public_hash,
    public_subset,
    receipt_hash,
    receipt_message,
    verify_record,
)
from countersign_verify.report import without
from countersign_verify.reports import REPORTS, report_checks
from countersign_verify.rulebook import holds_attestation, rulebook_checks
from countersign_verify.signature import (
    SPKI_PREFIX,
    artefact_message,
    parse_pem,
    render_pem,
    verify_text,
)
from countersign_verify.strict_json import JsonRefused, parse_strict
from countersign_verify.trust import ReceiptKey, RegistryRefused, Trust, read_registry

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("utf-8"))


EXAMPLE = load("packet/worked-example.json")
ENVELOPE = load("packet/worked-example.envelope.json")
PACKET = ENVELOPE["packet"]
RECORD = PACKET["decision_record"]
RECEIPT, OUTCOME_RECORD = PACKET["executions"][0], PACKET["outcomes"][0]
KEY = bytes.fromhex(EXAMPLE["key"]["public_key"])
TEXTS = {one["name"]: one for one in EXAMPLE["texts"]}
TRUST = Trust(
    "public_key_file", [ReceiptKey(KEY)], [LedgerKey(EXAMPLE["ledger"]["origin"], KEY)]
)


class Canonical(unittest.TestCase):
    def test_J_numbers(self) -> None:
        for case in load("canonical/rfc8785.json")["numbers"]:
            with self.subTest(case["bits"]):
                self.assertEqual(number_text(double(case["bits"])), case["want"])

    def test_J_numbers_refused(self) -> None:
        for case in load("canonical/rfc8785.json")["refused"]:
            with self.subTest(case["bits"]), self.assertRaises(NoCanonicalText):
                number_text(double(case["bits"]))

    def test_J_documents(self) -> None:
        for case in load("canonical/rfc8785.json")["documents"]:
            with self.subTest(case["name"]):
                self.assertEqual(canonical_text(json.loads(case["json"])), case["want"])

    def test_S_order(self) -> None:
        self.assertEqual(COLLATION, load("canonical/sorted.json")["order"])

    def test_S_and_J_documents(self) -> None:
        for case in load("canonical/sorted.json")["documents"]:
            with self.subTest(case["name"]):
                value = json.loads(case["json"])
                self.assertEqual(sorted_text(value), case["want"])
                self.assertEqual(sorted_hash(value), case["wantSha256"])
                self.assertEqual(canonical_text(value), case["rfc8785"])
                self.assertEqual(canonical_hash(value), case["rfc8785Sha256"])

    def test_S_has_no_order_outside_printable_ascii(self) -> None:
        self.assertIsNone(sorted_hash({"é": 1}))
        self.assertIsNotNone(canonical_hash({"é": 1}))

    def test_strict_json(self) -> None:
        vectors = load("canonical/strict-json.json")
        for case in vectors["cases"]:
            with self.subTest(case["name"]):
                fault = fault_of_json(case["json"], vectors["depthMax"])
                self.assertEqual(fault, case.get("fault"))


def double(bits: str) -> float:
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def fault_of_json(text: str, depth_max: int) -> Optional[str]:
    try:
        parse_strict(text, depth_max)
    except JsonRefused as refused:
        return refused.code
    return None


class Merkle(unittest.TestCase):
    def setUp(self) -> None:
        self.trees = load("merkle/trees.json")
        self.leaves = [leaf_hash(bytes.fromhex(entry)) for entry in self.trees["entries"]]
        self.roots = {one["size"]: bytes.fromhex(one["root"]) for one in self.trees["roots"]}

    def test_leaves_and_roots(self) -> None:
        self.assertEqual([leaf.hex() for leaf in self.leaves], self.trees["leaves"])
        for size, root in self.roots.items():
            self.assertEqual(root_hash(self.leaves[:size]), root)

    def test_inclusion(self) -> None:
        for case in self.trees["inclusion"]:
            index, size, path = case["index"], case["size"], unhex(case["path"])
            leaf, root = self.leaves[index], self.roots[size]
            with self.subTest(index=index, size=size):
                self.assertTrue(verify_inclusion(leaf, index, size, path, root))
                self.assertFalse(verify_inclusion(leaf, index + 1, size, path, root))
                self.assertFalse(verify_inclusion(leaf, index, size, path + [root], root))
                self.assertFalse(verify_inclusion(leaf, index, size, path, leaf_hash(b"other")))
                if path:
                    self.assertFalse(verify_inclusion(leaf, index, size, path[:-1], root))

    def test_consistency(self) -> None:
        for case in self.trees["consistency"]:
            first, second, path = case["first"], case["second"], unhex(case["path"])
            old, new = self.roots[first], self.roots[second]
            with self.subTest(first=first, second=second):
                self.assertTrue(verify_consistency(first, second, path, old, new))
                self.assertFalse(verify_consistency(first, second, path + [new], old, new))
                self.assertFalse(verify_consistency(first, second, path, leaf_hash(b"other"), new))
                if path:
                    self.assertFalse(verify_consistency(first, second, path[:-1], old, new))

    def test_ledger(self) -> None:
        ledger = self.trees["ledger"]
        leaves = unhex(ledger["leaves"])
        self.assertEqual(leaf_hash(ledger["entry"].encode("utf-8")), leaves[0])
        self.assertEqual(node_hash(leaves[0], leaves[1]).hex(), ledger["node01"])
        self.assertEqual(root_hash(leaves).hex(), ledger["root"])


def unhex(hashes: List[str]) -> List[bytes]:
    return [bytes.fromhex(one) for one in hashes]


class Checkpoints(unittest.TestCase):
    def test_checkpoints(self) -> None:
        vectors = load("checkpoint/checkpoints.json")
        key = LedgerKey(vectors["origin"], bytes.fromhex(vectors["publicKey"]))
        self.assertEqual(key.note_key_id.hex(), vectors["keyId"])
        for case in vectors["cases"]:
            with self.subTest(case["name"]):
                fault = fault_of_note(lambda: open_checkpoint(case["note"], key))
                self.assertEqual(fault, case.get("fault"))
        example = open_checkpoint(vectors["cases"][0]["note"], key)
        self.assertEqual((example.size, example.root.hex()), (vectors["size"], vectors["root"]))

    def test_ed25519(self) -> None:
        for case in load("checkpoint/ed25519.json")["cases"]:
            key, message, signature = unhex(
                [case["publicKey"], case["message"], case["signature"]]
            )
            with self.subTest(case["name"]):
                self.assertEqual(verify(key, message, signature), case["want"])

    def test_key_texts(self) -> None:
        key = load("checkpoint/ed25519.json")["key"]
        raw = bytes.fromhex(key["publicKey"])
        self.assertEqual(parse_pem(key["pem"]), raw)
        self.assertEqual(render_pem(raw), key["pem"])
        self.assertEqual(sha256_hex(key["pem"].encode("ascii")), key["pemSha256"])
        self.assertEqual(sha256_hex(SPKI_PREFIX + raw), key["spkiSha256"])

    def test_tlog_proofs(self) -> None:
        vectors = load("checkpoint/tlog-proofs.json")
        for case in vectors["cases"]:
            with self.subTest(case["name"]):
                fault = fault_of_note(lambda: parse_tlog_proof(case["text"]))
                self.assertEqual(fault is None, case["accepted"])
        proof = parse_tlog_proof(vectors["cases"][0]["text"])
        example = open_checkpoint(proof.note, TRUST.ledger_keys[0])
        leaf = bytes.fromhex(vectors["leaf"])
        self.assertTrue(
            verify_inclusion(leaf, proof.index, example.size, proof.path, example.root)
        )


def fault_of_note(read: Callable[[], Any]) -> Optional[str]:
    try:
        read()
    except NoteRefused as refused:
        return refused.code
    return None


class WorkedExample(unittest.TestCase):
    """Tests of single values are made from `worked_values`, one test per value."""

    def test_signatures(self) -> None:
        message = receipt_message(
            RECORD["decision_id"],
            EXAMPLE["key"]["key_id"],
            RECORD["receipt_hash"],
            RECORD["record_hash"],
        )
        self.assertEqual(message, EXAMPLE["record"]["message"])
        self.assertTrue(verify_text(KEY, message, EXAMPLE["record"]["receipt_signature"]))
        self.assertEqual(RECORD["receipt_signature"], EXAMPLE["record"]["receipt_signature"])
        for kind, artefact in ((EXECUTION, RECEIPT), (OUTCOME, OUTCOME_RECORD)):
            signature = EXAMPLE[kind.name][f"{kind.name}_signature"]
            self.assertEqual(artefact[f"{kind.name}_signature"], signature)
            self.assertTrue(kind.holds_signature(artefact, TRUST))
        message = artefact_message(
            PACKET_VERSION, "dec_43b2", PACKET["packet_hash"], EXAMPLE["key"]["key_id"]
        )
        self.assertTrue(verify_text(KEY, message, EXAMPLE["packet"]["packet_signature"]))
        self.assertEqual(ENVELOPE["packet_signature"], EXAMPLE["packet"]["packet_signature"])

    def test_ledger(self) -> None:
        want = EXAMPLE["ledger"]
        leaves = [
            leaf_hash(canonical_text(entry).encode("utf-8"))
            for entry in PACKET["ledger"]["entries"]
        ]
        self.assertEqual([leaf.hex() for leaf in leaves], want["leaves"])
        self.assertEqual(node_hash(leaves[0], leaves[1]).hex(), want["node_0_1"])
        self.assertEqual(root_hash(leaves).hex(), want["root"])
        path = unhex(want["inclusion_of_0"])
        self.assertTrue(verify_inclusion(leaves[0], 0, 3, path, root_hash(leaves)))
        key = parse_ledger_key(want["verifier_key"])
        self.assertEqual(key, LedgerKey(want["origin"], KEY))
        self.assertEqual(TRUST.ledger_keys[0].note_key_id.hex(), want["note_key_id"])
        self.assertEqual(PACKET["ledger"]["checkpoint"], want["checkpoint"])
        self.assertEqual(open_checkpoint(want["checkpoint"], TRUST.ledger_keys[0]).size, 3)

    def test_key(self) -> None:
        key = EXAMPLE["key"]
        self.assertEqual(render_pem(KEY), key["pem"])
        self.assertEqual(sha256_hex(key["pem"].encode("ascii")), key["fingerprint"])
        self.assertEqual(sha256_hex(SPKI_PREFIX + KEY), key["spki_sha256"])

    def test_is_verified(self) -> None:
        whole = verify_packet(ENVELOPE, TRUST)
        self.assertEqual((whole.verified, whole.failures, whole.missing), (True, [], []))
        alone = verify_record(RECORD, TRUST, json.loads(TEXTS["input_hash"]["text"]))
        self.assertEqual((alone.verified, alone.failures, alone.missing), (True, [], []))
        self.assertTrue(alone.checks["input_hash"])

    def test_bare_packet_has_lost_its_signature(self) -> None:
        report = verify_packet(PACKET, TRUST)
        self.assertEqual((report.verified, report.missing), (False, ["packet_signature"]))
        self.assertEqual(report.failures, [])

    def test_each_changed_member_of_the_record_is_noticed(self) -> None:
        late = {"audit_chain", "ledger"}
        places = [place for place in places_of(RECORD) if place[0] not in late]
        self.assertGreater(len(places), 80)
        for place, other in zip(places, cycle([None, [], "other", 7, {"a": 1}])):
            with self.subTest(place=place, other=other):
                record = with_changed(RECORD, place, other)
                self.assertFalse(verify_record(record, TRUST).verified)

    def test_each_changed_member_of_the_packet_is_noticed_by_its_hash(self) -> None:
        for place in places_of(PACKET):
            changed = with_changed(PACKET, place, ["other"])
            with self.subTest(place=place):
                self.assertNotEqual(
                    sorted_hash(without(changed, "packet_hash")), changed["packet_hash"]
                )


def places_of(value: Any, above: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
    """Where each text, number, and empty thing of a value stands."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from places_of(item, above + (name,))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from places_of(item, above + (index,))
    else:
        yield above


def with_changed(value: Any, place: Tuple[Any, ...], other: Any) -> Any:
    changed = copy.deepcopy(value)
    here = changed
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = ["another"] if here[place[-1]] == other else other
    return changed


def worked_values() -> Iterator[Tuple[str, str, Any, Any]]:
    """Text (S or J), name, computed value, published value: one row for each of the example."""
    two = EXAMPLE["two_texts"]
    yield "S", "text of the two texts", sorted_text(two["value"]), two["sorted"]
    yield "S", "hash of the two texts", sorted_hash(two["value"]), two["sorted_hash"]
    yield "J", "text of the two texts", canonical_text(two["value"]), two["canonical"]
    yield "J", "hash of the two texts", canonical_hash(two["value"]), two["canonical_hash"]
    for one in EXAMPLE["texts"]:
        is_sorted = one["form"] == "sorted"
        value, form = json.loads(one["text"]), "S" if is_sorted else "J"
        text = sorted_text(value) if is_sorted else canonical_text(value)
        computed = [text, len(text.encode("utf-8")), sha256_hex(text.encode("utf-8"))]
        yield form, f"text {one['name']}", computed, [one["text"], one["bytes"], one["hash"]]
    yield from record_values()
    yield from child_values(EXECUTION, RECEIPT, TEXTS["receipt content_hash"])
    yield from child_values(OUTCOME, OUTCOME_RECORD, TEXTS["outcome content_hash"])
    yield from chain_values()
    hashed = without(PACKET, "packet_hash")
    published = EXAMPLE["packet"]
    yield "S", "packet_hash", measured(sorted_text(hashed)), [
        published["bytes"],
        published["packet_hash"],
    ]


def record_values() -> Iterator[Tuple[str, str, Any, Any]]:
    want = EXAMPLE["record"]
    output = {name: RECORD[name] for name in OUTPUT if name in RECORD}
    yield "J", "output_hash", measured(canonical_text(output)), [
        EXAMPLE["output"]["bytes"],
        EXAMPLE["output"]["hash"],
    ]
    yield "J", "output_hash of the record", output_hash(RECORD), RECORD["output_hash"]
    given = json.loads(TEXTS["input_hash"]["text"])
    yield "S", "input_hash", sorted_hash(given), RECORD["input_hash"]
    for name in ("policy_hash", "policy_bundle_hash"):
        yield "J", name, canonical_hash(json.loads(TEXTS[name]["text"])), RECORD[name]
    binding = RECORD["action_binding"]
    yield "S", "action_binding_hash", sorted_hash(binding), RECORD["action_binding_hash"]
    parameters = json.loads(TEXTS["parameters_hash"]["text"])
    yield "J", "parameters_hash", canonical_hash(parameters), binding["parameters_hash"]
    manifest = TEXTS["evidence_manifest_hash"]["hash"]
    yield "S", "evidence_manifest_hash", sorted_hash(RECORD["evidence_manifest"]), manifest
    yield "J", "content_hash", content_hash(RECORD), TEXTS["record content_hash"]["hash"]
    yield "S", "record_hash", measured(sorted_text(public_subset(RECORD))), [
        want["public_subset_bytes"],
        want["record_hash"],
    ]
    yield "S", "receipt_hash", receipt_hash(RECORD, public_hash(RECORD)), want["receipt_hash"]


def child_values(
    kind: PublishedKind, artefact: Dict[str, Any], content: Any
) -> Iterator[Tuple[str, str, Any, Any]]:
    want = EXAMPLE[kind.name]
    yield "J", f"{kind.name} content_hash", kind.content_hash(artefact), content["hash"]
    claimed = kind.claimed_content_hash(artefact)
    yield "J", f"{kind.name} content_hash inside", claimed, content["hash"]
    yield "S", kind.hash_member, measured(sorted_text(kind.public_subset(artefact))), [
        want["public_subset_bytes"],
        want[kind.hash_member],
    ]


def chain_values() -> Iterator[Tuple[str, str, Any, Any]]:
    want = EXAMPLE["chain"]
    scope = sha256_hex(want["scope"].encode("utf-8"))
    yield "J", "scope hash of plain text", scope, want["scope_hash"]
    links = PACKET["audit_chain"]["retained_links"]
    for link, published in zip(links, want["links"]):
        place = link["chain_position"]
        yield "S", f"leaf_hash of link {place}", chain.leaf_hash(link), published["leaf_hash"]
        yield "S", f"merkle_root of link {place}", chain.merkle_root(link), published["merkle_root"]
        yield "S", f"link_hash of link {place}", chain.link_hash(link), published["link_hash"]
        yield "S", f"chain id of link {place}", "chain_" + scope[:32], link["chain_id"]
    ledger = EXAMPLE["ledger"]
    for seq, (entry, subject) in enumerate(zip(PACKET["ledger"]["entries"], subjects_of(PACKET))):
        yield "J", f"entry hash {seq}", canonical_hash(entry), ledger["entry_hashes"][seq]
        body = canonical_hash(subject.body)
        yield "J", f"subject hash {seq}", body, ledger["subject_hashes"][seq]


def measured(text: str) -> List[Any]:
    return [len(text.encode("utf-8")), sha256_hex(text.encode("utf-8"))]


def add_worked_values() -> None:
    def test_of(computed: Any, published: Any) -> Callable[[unittest.TestCase], None]:
        return lambda case: case.assertEqual(computed, published)

    for form, name, computed, published in worked_values():
        method = f"test_{form}_{name.replace(' ', '_')}"
        assert not hasattr(WorkedExample, method), method
        setattr(WorkedExample, method, test_of(computed, published))


add_worked_values()


class Registry(unittest.TestCase):
    def setUp(self) -> None:
        pem = EXAMPLE["key"]["pem"]
        self.key = {
            "key_id": EXAMPLE["key"]["key_id"],
            "public_key": pem,
            "public_key_fingerprint": EXAMPLE["key"]["fingerprint"],
            "algorithm": "Ed25519",
            "use": "receipt_signature",
            "status": "active",
            "not_before": "2026-01-01T00:00:00.000Z",
        }

    def verified(self, **changes: Any) -> bool:
        registry = read_registry({"keys": [{**self.key, **changes}], "revoked_keys": []})
        return verify_record(RECORD, registry).verified

    def test_key_id_fingerprint_and_window(self) -> None:
        created_at = RECORD["created_at"]
        self.assertTrue(self.verified())
        self.assertTrue(self.verified(not_before=created_at))
        self.assertFalse(self.verified(key_id="dk_other"))
        self.assertFalse(self.verified(use="rulebook_attestation_signature"))
        self.assertFalse(self.verified(not_before="2026-01-02T03:04:05.001Z"))
        self.assertFalse(self.verified(status="retired", not_after=created_at))
        self.assertTrue(self.verified(status="retired", not_after="2026-01-02T03:04:05.001Z"))

    def test_revoked_key_is_not_trusted(self) -> None:
        registry = read_registry({"keys": [], "revoked_keys": [self.key]})
        self.assertFalse(verify_record(RECORD, registry).verified)

    def test_faulty_registry_is_refused_as_a_whole(self) -> None:
        for changes in (
            {"public_key_fingerprint": "0" * 64},
            {"public_key": "no key"},
            {"not_before": None},
            {"status": "retired"},
            {"status": "unheard-of"},
        ):
            with self.subTest(changes=changes), self.assertRaises(RegistryRefused):
                self.verified(**changes)
        with self.assertRaises(RegistryRefused):
            read_registry({"keys": [self.key, self.key]})


class Sealed(unittest.TestCase):
    """Artefacts without a published form: text J of all but seal and place."""

    KINDS = {kind.name: kind for kind in (CLAIM, CRM_SYNC, REVIEW_OPENED, REVIEW_RESOLVED)}
    CASES = load("packet/sealed.json")["artefacts"]

    def test_J_hash_and_signature_of_each_kind(self) -> None:
        self.assertEqual([case["kind"] for case in self.CASES], list(self.KINDS))
        for case in self.CASES:
            kind, artefact = self.KINDS[case["kind"]], case["artefact"]
            with self.subTest(case["kind"]):
                content = without(artefact, *kind.seal)
                self.assertEqual(canonical_text(content), case["text"])
                self.assertEqual(kind.own_hash(artefact), case["hash"])
                self.assertEqual(artefact[kind.hash_member], case["hash"])
                ids = artefact[kind.id_member], case["hash"], EXAMPLE["key"]["key_id"]
                self.assertEqual(artefact_message(kind.version, *ids), case["message"])
                self.assertTrue(kind.holds_hash(artefact))
                self.assertTrue(kind.holds_signature(artefact, TRUST))
                self.assertTrue(names_record(artefact, RECORD))
                if kind.word == "review":
                    self.assertIs(review_kind(artefact), kind)

    def test_place_in_the_ledger_is_no_part_of_the_hash(self) -> None:
        for case in self.CASES:
            kind = self.KINDS[case["kind"]]
            placed = {**case["artefact"], "ledger": {}, "ledger_proof": {}, "audit_chain": {}}
            self.assertTrue(kind.holds_hash(placed))
            self.assertEqual(kind.link_hash(placed), canonical_hash(case["artefact"]))

    def test_each_changed_member_is_noticed(self) -> None:
        for case in self.CASES:
            kind = self.KINDS[case["kind"]]
            for place in places_of(case["artefact"]):
                changed = with_changed(case["artefact"], place, "other")
                with self.subTest(kind=kind.name, place=place):
                    # The hash covers neither signature nor key id.
                    holds = kind.holds_hash(changed) and kind.holds_signature(changed, TRUST)
                    self.assertFalse(holds)


class Reports(unittest.TestCase):
    CASES = load("reports/hashes.json")["reports"]

    def checks(self, reports: Dict[str, Any], record: Any = None) -> Dict[str, Any]:
        signed = {
            case["name"]: {"key_id": "dk_test_1", "signature": case["signature"]}
            for case in self.CASES
        }
        intelligence = {**reports, "signatures": signed}
        return report_checks(intelligence, record or RECORD, TRUST, "2026-01-03T00:00:00.000Z")

    def test_S_hash_and_signature_of_each_report(self) -> None:
        self.assertEqual([case["name"] for case in self.CASES], list(REPORTS))
        for case in self.CASES:
            kind, report = REPORTS[case["name"]], case["report"]
            with self.subTest(case["name"]):
                self.assertEqual(kind.hash_member, case["member"])
                self.assertEqual(sorted_text(without(report, case["member"])), case["text"])
                self.assertEqual(kind.own_hash(report), case["hash"])
                self.assertEqual(report[case["member"]], case["hash"])
                ids = report["policy_id"], case["hash"], "dk_test_1"
                self.assertEqual(artefact_message(kind.version, *ids), case["message"])
                checks = self.checks({case["name"]: report})
                self.assertEqual((checks[kind.check], checks["report_signatures"]), (True, True))

    def test_each_changed_member_of_a_report_is_noticed(self) -> None:
        for case in self.CASES:
            kind = REPORTS[case["name"]]
            for place in places_of(case["report"]):
                report = with_changed(case["report"], place, "other")
                with self.subTest(name=case["name"], place=place):
                    self.assertNotEqual(kind.own_hash(report), report[kind.hash_member])

    def test_report_of_another_policy_name_or_place_is_not_signed(self) -> None:
        one, other = self.CASES[0], self.CASES[1]
        for reports, record in (
            ({one["name"]: one["report"]}, {"policy_id": "refund_review"}),
            ({"forecast": one["report"]}, RECORD),
            ({one["name"]: other["report"]}, RECORD),
        ):
            self.assertIs(self.checks(reports, record)["report_signatures"], False)
        self.assertEqual(set(report_checks(None, RECORD, TRUST, None).values()), {None})


class Attestation(unittest.TestCase):
    CASES = load("rulebook/attestation.json")["cases"]

    def test_S_hashes_and_signature(self) -> None:
        for case in self.CASES:
            with self.subTest(case["name"]):
                self.assertEqual(sorted_hash(case["rulebook"]), case["rulebook_hash"])
                self.assertEqual(case["bundle"]["rulebook"]["hash"], case["rulebook_hash"])
                self.assertEqual(sorted_hash(case["facts"]), case["facts_hash"])
                self.assertEqual(case["bundle"]["input_hash"], case["facts_hash"])
                self.assertEqual(sorted_text(case["bundle"]), case["text"])
                self.assertEqual(sorted_hash(case["bundle"]), case["bundle_hash"])
                signature = f"ed25519:{case['signature']}"
                self.assertTrue(verify_text(KEY, case["bundle_hash"], signature))

    def test_attestation_holds_and_each_change_is_noticed(self) -> None:
        for case in self.CASES:
            record, given = attested_record(case)
            self.assertTrue(holds_attestation(record, TRUST, given))
            self.assertTrue(holds_attestation(record, TRUST, None))
            attestation = record["rulebook_attestation"]
            for place in places_of(attestation):
                if place[-1] in ("key_id", "public_key_url"):
                    continue
                changed = {"rulebook_attestation": with_changed(attestation, place, "other")}
                with self.subTest(name=case["name"], place=place):
                    self.assertFalse(holds_attestation({**record, **changed}, TRUST, None))

    def test_rulebook_and_facts_of_another_input_are_noticed(self) -> None:
        record, given = attested_record(self.CASES[0])
        self.assertTrue(rulebook_checks(record, TRUST, given)["rulebook_hash"])
        for place in (("rulebook", "version"), ("context", "inputs", "weight_grams")):
            other = with_changed(given, place, 7)
            checks = rulebook_checks({**record, "input_hash": sorted_hash(other)}, TRUST, other)
            self.assertIs(checks["rulebook_hash"], place[0] != "rulebook")
            self.assertIs(checks["rulebook_attestation"], place[0] == "rulebook")

    def test_registry_must_know_the_key(self) -> None:
        record, _ = attested_record(self.CASES[0])
        key = ReceiptKey(KEY, "ak_test_1", "active", "2026-01-01T00:00:00.000Z")
        for keys, known in (([key], True), ([], False), ([replace(key, key_id="ak_2")], False)):
            trust = replace(TRUST, attestation_keys=keys)
            self.assertIs(holds_attestation(record, trust, None), known)


def attested_record(case: Dict[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """The members of a record that its attestation repeats, and the input it answered."""
    bundle = case["bundle"]
    given = {"rulebook": case["rulebook"], "context": {"inputs": case["facts"]}}
    record = {
        **{name: item for name, item in bundle["outcome"].items() if item is not None},
        **{name: item for name, item in bundle.items() if item is not None},
        "mode": "rulebook",
        "created_at": RECORD["created_at"],
        "input_hash": sorted_hash(given),
        "rulebook_attestation": {
            "schema_version": "rulebook_attestation_v1",
            "bundle": bundle,
            "bundle_hash": case["bundle_hash"],
            "signature": {
                "schema_version": "rulebook_attestation_signature_v1",
                "status": "signed",
                "algorithm": "Ed25519",
                "signed_field": "bundle_hash",
                "key_id": "ak_test_1",
                "public_key_url": "/.well-known/rulebook-attestation-keys.json",
                "public_key_pem": EXAMPLE["key"]["pem"],
                "signature": case["signature"],
            },
        },
    }
    return without(record, "outcome"), given


if __name__ == "__main__":
    unittest.main()
