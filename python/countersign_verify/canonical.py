"""The two canonical texts of a JSON value and their hashes (docs/spec/canonical-texts.md).

J is RFC 8785: members by the UTF-16 code units of their names. S is `json.sort_deep.v1`: members as
an English collator orders their names, pinned to printable ASCII. Both write strings and numbers as
ECMAScript's JSON.stringify does, without white space.
"""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any, Callable, Optional, Tuple

# Printable ASCII from light to heavy; upper-case letters weigh as lower-case ones.
COLLATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
_WEIGHT = {char: weight for weight, char in enumerate(COLLATION)}
_WEIGHT.update({char.upper(): _WEIGHT[char] for char in "abcdefghijklmnopqrstuvwxyz"})


class NoCanonicalText(ValueError):
    """A value without canonical text: NaN, an infinity, or for S a name outside printable ASCII."""


def canonical_text(value: Any) -> str:
    """Text J."""
    return _write(value, _code_units)


def sorted_text(value: Any) -> str:
    """Text S."""
    return _write(value, _collation_key)


def canonical_hash(value: Any) -> Optional[str]:
    """`J(value)`: lower-case hex SHA-256 of its text J; None if it has none."""
    return _hash(canonical_text, value)


def sorted_hash(value: Any) -> Optional[str]:
    """`S(value)`: lower-case hex SHA-256 of its text S; None if it has none."""
    return _hash(sorted_text, value)


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def number_text(number: float) -> str:
    """A double as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20).

    Python's repr has the same digits, the fewest that give the double back; only the form differs.
    """
    if not math.isfinite(number):
        raise NoCanonicalText("a number that is not finite")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    _, all_digits, exponent = Decimal(repr(abs(number))).as_tuple()
    digits = "".join(map(str, all_digits)).rstrip("0")
    # The value is 0.DIGITS times 10 to the power of `point`.
    point = len(all_digits) + int(exponent)
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _hash(text: Callable[[Any], str], value: Any) -> Optional[str]:
    try:
        return sha256_hex(text(value).encode("utf-8"))
    except NoCanonicalText:
        return None


def _write(value: Any, order: Callable[[str], Any]) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        # Escapes quote, backslash and controls, in the short form where there is one: RFC 8785.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, list):
        return "[" + ",".join(_write(item, order) for item in value) + "]"
    names = sorted(value, key=order)
    written = (_write(name, order) + ":" + _write(value[name], order) for name in names)
    return "{" + ",".join(written) + "}"


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be")


def _collation_key(name: str) -> Tuple[Tuple[int, ...], Tuple[bool, ...]]:
    """Weights, then the shorter name, then lower case at the first difference of case."""
    try:
        weights = tuple(_WEIGHT[char] for char in name)
    except KeyError:
        raise NoCanonicalText(f"no order for the name {name!r}") from None
    return weights, tuple(char.isupper() for char in name)
