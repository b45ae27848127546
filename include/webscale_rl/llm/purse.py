"""What a run may spend: calls, tokens, price. Nothing is sent that could exceed it, whatever is killed and repeated.

Before a call its most expensive outcome is set aside, and what it did not cost is given back when it is answered.
What is set aside comes in portions from a row in the database; a worker that is killed leaves its portion behind as
spent, so the ceiling holds even against the endpoint's own log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from webscale_rl.errors import BudgetSpent

CHARACTERS_PER_TOKEN = 2.5  # of a prompt at worst: more are set aside than it will have
PORTION_CALLS = 32  # calls for which is set aside at once
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Price of a million tokens, in any currency."""

    prompt: float = 0.0
    cached: float = 0.0
    completion: float = 0.0

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Price:
        """Read a connection's extra; a cached token costs what a prompt token does, unless it is said."""
        prompt = _number(given.get("prompt"))
        cached = _number(given["cached"]) if "cached" in given else prompt
        return cls(prompt, cached, _number(given.get("completion")))

    def of(self, prompt: int, cached: int, completion: int) -> float:
        """Return the price of one call."""
        fresh = max(prompt - cached, 0)
        return (fresh * self.prompt + cached * self.cached + completion * self.completion) / MILLION


@dataclass(frozen=True)
class Amount:
    """Something spent, or the ceiling of it; of a ceiling, infinity stands for none."""

    calls: float = 0
    tokens: float = 0
    price: float = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.calls + other.calls, self.tokens + other.tokens, self.price + other.price)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.calls - other.calls, self.tokens - other.tokens, self.price - other.price)

    def times(self, factor: float) -> Amount:
        """Return so many times this amount."""
        return Amount(self.calls * factor, self.tokens * factor, self.price * factor)

    def within(self, other: Amount) -> bool:
        """Say whether nothing of this is more than the other's."""
        return self.calls <= other.calls and self.tokens <= other.tokens and self.price <= other.price


# Sets aside for this worker the second amount, or the first where that is too much; nothing if even that is.
SetAside = Callable[[Amount, Amount], Awaitable[Amount | None]]


class Bill:
    """One call's share of the purse, until it is known what the call has cost."""

    def __init__(self) -> None:
        self.cost: Amount | None = None  # None while nothing was answered: then all of it counts as spent


class Purse:
    """Holds what this worker may still spend.

    Args:
        set_aside: asks the database for a portion.
    """

    def __init__(self, set_aside: SetAside) -> None:
        self._set_aside = set_aside
        self._left = Amount()
        self._open = 0
        self._given_back = asyncio.Event()
        self._asking = asyncio.Lock()
        self.spent = Amount()

    @asynccontextmanager
    async def spend(self, most: Amount) -> AsyncIterator[Bill]:
        """Set aside what a call may cost at most, and give back what it did not.

        Raises:
            BudgetSpent: there is not so much left.
        """
        async with self._asking:  # in the order of their arrival: a large call is not starved by small ones
            while not most.within(self._left):
                self._given_back.clear()
                got = await self._set_aside(most - self._left, most.times(PORTION_CALLS))
                if got is not None:
                    self._left += got
                elif self._open:
                    await self._given_back.wait()
                else:
                    raise BudgetSpent("the run has spent its budget; what was answered is kept")
            self._left -= most
        self._open += 1
        bill = Bill()
        try:
            yield bill
        finally:
            self._open -= 1
            cost = bill.cost or most
            self.spent += cost
            self._left += most - cost
            self._given_back.set()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0
