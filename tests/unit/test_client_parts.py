"""The parts of the client: who goes first, what may be spent, which replica, how long to wait."""

import asyncio

import pytest

from webscale_rl.errors import BudgetSpent, ShardFailed
from webscale_rl.llm import breaker as breaker_module
from webscale_rl.llm.admission import Admission
from webscale_rl.llm.breaker import FAULTS, Breaker
from webscale_rl.llm.patience import LEARNED, Patience
from webscale_rl.llm.purse import Amount, Price, Purse
from webscale_rl.llm.replicas import Replicas

URLS = [f"http://replica-{number}/v1" for number in range(4)]


async def test_calls_of_the_oldest_document_go_first() -> None:
    """Else documents are half done by the hundred, and a server has forgotten each when its next call comes."""
    admission = Admission(1)
    order: list[int] = []

    async def call(priority: int) -> None:
        async with admission.turn(priority):
            order.append(priority)
            await asyncio.sleep(0)

    async with admission.turn(0):
        calls = [asyncio.create_task(call(priority)) for priority in (5, 3, 9, 1)]
        await asyncio.sleep(0)
        assert admission.waiting == 4
        assert admission.room == -4
    await asyncio.gather(*calls)
    assert order == [1, 3, 5, 9]
    assert admission.in_flight == 0


async def test_a_raised_limit_lets_waiting_calls_in_and_a_lowered_one_stops_nobody() -> None:
    admission = Admission(1)
    gate = asyncio.Event()

    async def call() -> None:
        async with admission.turn(0):
            await gate.wait()

    calls = [asyncio.create_task(call()) for _ in range(5)]
    await asyncio.sleep(0)
    assert admission.in_flight == 1
    admission.limit = 4
    await asyncio.sleep(0)
    assert admission.in_flight == 4
    admission.limit = 1
    await asyncio.sleep(0)
    assert admission.in_flight == 4
    gate.set()
    await asyncio.gather(*calls)
    assert (admission.in_flight, admission.waiting) == (0, 0)


async def test_a_call_given_up_while_it_waits_leaves_no_hole() -> None:
    admission = Admission(1)
    async with admission.turn(0):
        waiting = asyncio.create_task(admission._enter(1))
        other = asyncio.create_task(admission._enter(2))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    await other
    assert admission.in_flight == 1
    assert admission.waiting == 0


def purse(calls: float, portion: float = 4) -> tuple[Purse, list[float]]:
    """Return a purse on a budget of so many calls, and what was set aside of it."""
    taken: list[float] = []

    async def set_aside(least: Amount, liked: Amount) -> Amount | None:
        left = calls - sum(taken)
        if least.calls > left:
            return None
        taken.append(max(least.calls, min(portion, liked.calls, left)))
        return Amount(calls=taken[-1])

    return Purse(set_aside), taken


async def test_a_budget_is_never_exceeded_and_the_last_of_it_is_used() -> None:
    spending, taken = purse(10)
    spent = 0

    async def call() -> None:
        nonlocal spent
        async with spending.spend(Amount(calls=1)) as bill:
            spent += 1
            await asyncio.sleep(0)
            bill.cost = Amount(calls=1)

    results = await asyncio.gather(*(call() for _ in range(25)), return_exceptions=True)
    assert spent == 10
    assert sum(isinstance(result, BudgetSpent) for result in results) == 15
    assert sum(taken) == 10


async def test_what_a_call_did_not_cost_is_spent_on_others() -> None:
    """What is set aside for the longest answer must come back: most answers are short."""
    spending, _ = purse(10)
    for _ in range(17):
        async with spending.spend(Amount(calls=2)) as bill:
            bill.cost = Amount(calls=0.5)
    assert spending.spent.calls == 8.5
    with pytest.raises(BudgetSpent):
        async with spending.spend(Amount(calls=2)):
            pass


async def test_a_call_that_was_given_up_counts_as_spent() -> None:
    spending, _ = purse(3)
    with pytest.raises(ValueError, match="gone"):
        async with spending.spend(Amount(calls=2)):
            raise ValueError("gone")
    assert spending.spent.calls == 2


def test_a_price_counts_cached_tokens_apart() -> None:
    price = Price.read({"prompt": 2.0, "cached": 0.5, "completion": 10})
    assert price.of(1_000_000, 400_000, 100_000) == pytest.approx(1.2 + 0.2 + 1.0)
    assert Price.read({"prompt": 2.0}).of(10, 10, 0) == pytest.approx(20e-6)
    assert Price.read({"prompt": "free", "completion": -1}).of(1000, 0, 1000) == 0


def test_calls_of_a_document_go_to_one_replica_and_documents_to_all() -> None:
    replicas = Replicas(URLS)
    chosen: dict[str, int] = dict.fromkeys(URLS, 0)
    for number in range(400):
        urls = set()
        for _ in range(3):
            with replicas.chosen(f"document {number}") as url:
                urls.add(url)
        assert len(urls) == 1
        chosen[urls.pop()] += 1
    assert min(chosen.values()) > 60


def test_a_replica_more_moves_only_its_own_documents() -> None:
    before, after = Replicas(URLS[:3]), Replicas(URLS)
    moved = 0
    for number in range(400):
        with before.chosen(f"{number}") as one, after.chosen(f"{number}") as other:
            moved += one != other
            assert other in (one, URLS[3])
    assert 60 < moved < 140


def test_a_replica_with_too_much_to_do_passes_calls_on_and_one_that_is_gone_gets_none() -> None:
    replicas = Replicas(URLS)
    held = [replicas.chosen("the same document") for _ in range(60)]
    used = [each.__enter__() for each in held]
    assert len(set(used)) > 1
    assert max(used.count(url) for url in URLS) < 60 / 4 * 1.25 + 8
    for each in held:
        each.__exit__(None, None, None)
    with replicas.chosen("x") as url:
        pass
    replicas.avoid(url)
    with replicas.chosen("x") as other:
        assert other != url


def test_the_breaker_opens_only_when_nothing_else_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "SECONDS", 0.0)
    circuit = Breaker("http://gone/v1")
    for _ in range(FAULTS - 1):
        circuit.fault("refused")
    circuit.success()
    for _ in range(FAULTS - 1):
        circuit.fault("refused")
    with pytest.raises(ShardFailed, match="Bring the endpoint back and run again"):
        circuit.fault("refused")


def test_a_hang_is_given_up_when_it_takes_far_longer_than_the_slowest_answer() -> None:
    patience = Patience(600.0)
    assert patience.seconds == 600.0, "nothing is known yet"
    for _ in range(LEARNED):
        patience.learn(5.0)
    assert 60.0 <= patience.seconds <= 100.0
    patience.learn(200.0)
    assert patience.seconds == 600.0
