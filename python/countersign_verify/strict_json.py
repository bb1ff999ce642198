"""Strict JSON: a text that two readers could understand differently is refused.

Refused besides malformed texts: duplicate members, half surrogate pairs, nesting beyond a limit,
and numbers that a double does not hold (docs/spec/numbers-and-texts.md).
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any, Dict, List, Tuple, Union

INTEGER_MAX = 2**53 - 1
FRACTION_DIGITS_MAX = 15
DEPTH_MAX = 64


class JsonRefused(ValueError):
    """A text that is not strict JSON; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_strict(text: str, depth_max: int = DEPTH_MAX) -> Any:
    """The value of a text; integers become `int` however they are spelled, other numbers `float`.

    Raises `JsonRefused`. A malformed text is malformed, whatever else is wrong with it.
    """
    faults: List[str] = []

    def members(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            faults.append("json_duplicate_member")
        return found

    def number(spelling: str) -> Union[int, float]:
        try:
            return exact_number(spelling)
        except JsonRefused as refused:
            faults.append(refused.code)
            return 0

    def constant(name: str) -> Any:
        raise ValueError(name)

    try:
        value = json.loads(
            text,
            object_pairs_hook=members,
            parse_int=number,
            parse_float=number,
            parse_constant=constant,
        )
    except RecursionError:
        raise JsonRefused("json_too_deep") from None
    except ValueError:
        raise JsonRefused("json_malformed") from None
    if faults:
        raise JsonRefused(faults[0])
    _refuse_forms(value, depth_max)
    return value


def exact_number(spelling: str) -> Union[int, float]:
    """The number that a JSON number literal spells, if a double holds it without loss."""
    significand = spelling.replace("E", "e").split("e")[0]
    if not significand.strip("-0."):
        return 0
    value = float(spelling)
    if math.isinf(value) or value == 0.0:
        raise JsonRefused("json_number_inexact")
    exact = Decimal(spelling)
    if exact == exact.to_integral_value():
        if abs(exact) > INTEGER_MAX:
            raise JsonRefused("json_number_inexact")
        return int(exact)
    digits = significand.replace(".", "").strip("-0")
    if len(digits) > FRACTION_DIGITS_MAX or Decimal(repr(value)) != exact:
        raise JsonRefused("json_number_inexact")
    return value


def _refuse_forms(value: Any, depth_left: int) -> None:
    """Refuses what the grammar of JSON allows: half surrogate pairs and deep nesting."""
    if isinstance(value, str):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
            raise JsonRefused("json_lone_surrogate")
        return
    if not isinstance(value, (dict, list)):
        return
    if depth_left == 0:
        raise JsonRefused("json_too_deep")
    if isinstance(value, dict):
        for name in value:
            _refuse_forms(name, depth_left)
    for item in value.values() if isinstance(value, dict) else value:
        _refuse_forms(item, depth_left - 1)
