"""Arithmetic of a generator's ``expression``, exact, over numbers as people write them."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from webscale_rl.stages.figures import MAX_DIGITS, SCALES

MAX_LENGTH = 200
# Numbers that arithmetic brings along: averages, percentages, units of time and scale.
CONSTANTS = frozenset(
    map(Fraction, (1, 2, 3, 4, 7, 10, 12, 24, 30, 52, 60, 100, 360, 365, 1000, 3600, 10**6, 10**9))
)

_GROUPING = re.compile(r"(?<=\d)[,\u202f\u00a0](?=\d{3}(?!\d))")
_CURRENCY = re.compile(r"\b(?:US|HK|NZ|A|C|S)(?=\$)|\b(?:RMB|USD|EUR|GBP)(?![a-z])")
_SCALED = re.compile(rf"(\d+(?:\.\d+)?|\.\d+)\s?({'|'.join(SCALES)})\b", re.IGNORECASE | re.ASCII)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s?%")
_FOREIGN = re.compile(r"[^0-9.+*/()\s-]")
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class ExpressionError(ValueError):
    """The expression is no arithmetic over numbers."""


def evaluate(expression: str, *, hundredths: bool = False) -> Fraction:
    """Return the exact value of an expression with + - * / and parentheses over plain numbers.

    Thousands commas, ``×``, ``÷``, ``−``, square brackets, a currency before a number, ``%`` and a scale such as
    ``million`` behind it are understood. ``%`` divides by 100 only with ``hundredths``: people write both
    "(4.1% + 4.6%) / 2", of which they say 4.35 %, and "1,027 / 11%".

    Raises:
        ExpressionError: it holds anything else, is too long, or divides by zero.
    """
    tree, plain = _parsed(expression, hundredths)
    try:
        return _value(tree, plain)
    except ZeroDivisionError:
        raise ExpressionError("divides by zero") from None
    except (ValueError, RecursionError) as error:
        raise ExpressionError(str(error)[:100] or type(error).__name__) from None


def is_ratio(expression: str) -> bool:
    """Say whether an expression divides amounts by amounts, so that in percent its value is said a hundredfold.

    False where it multiplies by 100 itself, or might: "100 / 250" holds the number too.

    Raises:
        ExpressionError: see :func:`evaluate`.
    """
    tree, plain = _parsed(expression, hundredths=False)
    written = {_value(node, plain) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return 100 not in written and not written <= CONSTANTS and _dimension(tree, plain) == 0


def _parsed(expression: str, hundredths: bool) -> tuple[ast.expr, str]:
    """Return the tree of an expression and the text that its places refer to."""
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    plain = _CURRENCY.sub(" ", _GROUPING.sub("", expression))
    plain = _SCALED.sub(lambda found: f"({found[1]}*{SCALES[found[2].lower()]})", plain)
    if hundredths:
        plain = _PERCENT.sub(r"(\1/100)", plain)
    plain = plain.translate(_SIGNS).strip()
    if foreign := _FOREIGN.search(plain):
        raise ExpressionError(f"{foreign.group()!r} is not part of + - * / over numbers")
    try:
        return ast.parse(plain, mode="eval").body, plain
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(str(error)[:100] or type(error).__name__) from None


_SIGNS = str.maketrans(
    {
        **{"×": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"},
        **dict.fromkeys("$€£¥%\n", " "),  # a space: "10%3" is not 103
    }
)


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


def _dimension(node: ast.expr, source: str) -> int:
    """Count how often an amount is a factor: 0 for a share of amounts, 1 for a sum of amounts, -1 for 1 / amount."""
    if isinstance(node, ast.UnaryOp):
        return _dimension(node.operand, source)
    if isinstance(node, ast.BinOp):
        left, right = _dimension(node.left, source), _dimension(node.right, source)
        if isinstance(node.op, ast.Mult | ast.Div):
            return left + right if isinstance(node.op, ast.Mult) else left - right
        return max(left, right)
    return int(_value(node, source) not in CONSTANTS)


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator), value.denominator) >= 10**MAX_DIGITS:
        raise ExpressionError(f"a value has more than {MAX_DIGITS} digits")
    return value
