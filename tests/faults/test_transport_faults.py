"""An endpoint that fails now and then, or for good, costs a user no document and no heap of useless calls."""

from collections import Counter

from tests.endpoints.faulty import TRANSPORT
from tests.faults.scene import CALLS, DOCUMENTS, QUICK_RETRIES, Scene, nothing_is_lost

SHARE = 0.3
IN_FLIGHT = 32


def test_a_third_of_all_calls_failing_changes_no_pair(stage: Scene, undisturbed: dict[str, bytes]) -> None:
    """A user of a shaky server would get other pairs, fewer pairs, or a document in no state or in two."""
    stage.endpoint.change(seed=1, share=SHARE, kinds=TRANSPORT)
    (shard,) = stage.prepare()
    ended = stage.finish(shard, timeout=1.0, max_in_flight=IN_FLIGHT, patches=QUICK_RETRIES)
    assert ended.exit_code == 0, ended
    assert ended.counts["done"] == DOCUMENTS
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
    injected = Counter(call.fault for call in stage.endpoint.calls() if call.fault)
    print(
        f"{injected.total()} faults in {injected.total() + CALLS} calls: {dict(injected)}, {ended.seconds:.0f} s"
    )
    assert set(injected) == set(TRANSPORT)
    ((attempts,),) = stage.rows("SELECT max(transport_attempts) FROM llm_calls")
    assert attempts > 1


def test_a_dead_endpoint_ends_the_shard_before_it_burns_through_the_corpus(
    stage: Scene, undisturbed: dict[str, bytes]
) -> None:
    """A user whose server dies at night would find every document failed, and every call tried twelve times."""
    (shard,) = stage.prepare()
    stage.endpoint.change(seed=1, share=1.0, kinds=["503"])
    ended = stage.finish(shard, patches={"llm.breaker.SECONDS": 1.5})
    assert ended.error == "ShardFailed", ended
    assert "has answered nothing for" in ended.message
    assert "what was answered is kept" in ended.message
    assert len(stage.endpoint.calls()) < 100
    assert stage.number("SELECT count(*) FROM document_results") == 0
    ((state, error),) = stage.rows("SELECT state, error FROM conversions")
    assert (state, error) == ("failed", ended.message)
    stage.endpoint.change(seed=1, share=0.0)
    assert stage.finish(shard).exit_code == 0
    nothing_is_lost(stage, undisturbed)


def test_an_endpoint_that_is_killed_and_comes_back_costs_nothing(
    stage: Scene, undisturbed: dict[str, bytes]
) -> None:
    """A user who restarts the inference server in the middle of a run would have to start that run again."""
    stage.endpoint.change(service_time=0.05)
    (shard,) = stage.prepare()
    worker = stage.start(shard)
    stage.wait_for_answers(CALLS // 4)
    stage.endpoint.kill()
    stage.endpoint.start()
    ended = worker.wait()
    assert ended.exit_code == 0, ended
    nothing_is_lost(stage, undisturbed)
    assert stage.endpoint.repeated() == 0
