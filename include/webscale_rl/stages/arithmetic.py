"""Arithmetic of a generator's ``expression``, exact, and the numbers that occur in a text."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

MAX_LENGTH = 200
MAX_DIGITS = 40  # of any number on the way: exact fractions could grow without bound

_NUMBER = re.compile(r"\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+")
_GROUPING = re.compile(r"(?<=\d)[,\u202f\u00a0](?=\d{3}(?!\d))")
_FOREIGN = re.compile(r"[^0-9.+*/()\s-]")
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class ExpressionError(ValueError):
    """The expression is no arithmetic over numbers."""


def evaluate(expression: str) -> Fraction:
    """Return the exact value of an expression with + - * / and parentheses over plain numbers.

    Thousands commas, ``×``, ``÷``, ``−`` and a trailing ``%`` or currency sign of a number are understood.
    ``%`` does not divide by 100.

    Raises:
        ExpressionError: it holds anything else, is too long, or divides by zero.
    """
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    plain = _GROUPING.sub("", expression).translate(_SIGNS).strip()
    if foreign := _FOREIGN.search(plain):
        raise ExpressionError(f"{foreign.group()!r} is not part of + - * / over numbers")
    try:
        return _value(ast.parse(plain, mode="eval").body, plain)
    except ZeroDivisionError:
        raise ExpressionError("divides by zero") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(str(error)[:100] or type(error).__name__) from None


_SIGNS = str.maketrans(
    {"×": "*", "÷": "/", "−": "-", "–": "-", **dict.fromkeys("$€£%\n", " ")}  # a space: "10%3" is not 103
)


def numbers(text: str) -> list[Fraction]:
    """Return the numbers that occur in a text, without their signs: "$ 1,452.4" and "(1452.4)" both hold 1452.4."""
    found = []
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"[,\u202f\u00a0]", "", match.group())
        if len(digits) <= MAX_DIGITS:
            found.append(Fraction(digits))
    return found


def _value(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.Constant):
        written = ast.get_source_segment(source, node) or ""
        if isinstance(node.value, bool) or not re.fullmatch(r"\d*\.?\d+|\d+\.", written):
            raise ExpressionError(f"{written[:20]!r} is no plain number")
        return _bounded(Fraction(written))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, source)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and (apply := _OPERATORS.get(type(node.op))):
        return _bounded(apply(_value(node.left, source), _value(node.right, source)))
    raise ExpressionError(f"{type(node).__name__} is not + - * / over numbers")


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) >= 10**MAX_DIGITS:
        raise ExpressionError(f"a value has more than {MAX_DIGITS} digits")
    return value
