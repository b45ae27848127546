"""A model that writes unusable answers is asked once more; what fails then is counted, and costs only itself."""

from collections import Counter

from tests.endpoints.faulty import CONTENT
from tests.faults.scene import DOCUMENTS, Scene

SHARE = 0.3
RUNS = 12
REASONS = {"truncated", "empty", "not_json", "wrong_schema"}


def test_runs_against_a_sloppy_model_come_to_the_pairs_of_a_clean_one(
    stage: Scene, undisturbed: dict[str, bytes]
) -> None:
    """A user of a weak model would lose documents for good, or get pairs from answers that were cut off."""
    injected: Counter[str] = Counter()
    for number in range(RUNS):
        run_id = f"run-{number}"
        stage.endpoint.change(seed=number, share=SHARE, kinds=CONTENT)
        (shard,) = stage.prepare(run_id)
        before = len(stage.endpoint.calls())
        known = stage.answers_known()
        ended = stage.finish(shard, run_id, max_in_flight=32)
        assert ended.exit_code == 0, ended
        assert sum(ended.counts[state] for state in ("done", "failed", "rejected")) == DOCUMENTS
        calls = stage.endpoint.calls()[before:]
        injected.update(call.fault for call in calls if call.fault)
        # Each right answer is in the ledger, each unusable one beside it with its reason.
        assert stage.answers_known() - known == sum(not call.fault for call in calls)
        at_most_two_attempts(stage, run_id)
        failed_for_a_reason(stage, ended.counts["failed"])
        assert stage.documents_lost() == 0
        if not ended.counts["failed"]:
            break
    print(f"{injected.total()} unusable answers in {number + 1} runs: {dict(injected)}")
    assert set(injected) == set(CONTENT)
    assert stage.dataset(run_id) == undisturbed
    assert stage.endpoint.repeated() == 0
    assert stage.answers_twice() == 0


def at_most_two_attempts(stage: Scene, run_id: str) -> None:
    """Check that no call was tried more than twice in one run."""
    most = stage.rows(
        "SELECT count(*) FROM llm_calls WHERE run_id = :run GROUP BY document_id, call_key ORDER BY 1 DESC LIMIT 1",
        run=run_id,
    )
    assert not most or most[0][0] <= 2


def failed_for_a_reason(stage: Scene, failed: int) -> None:
    """Check that documents failed for reasons that can be driven again."""
    reasons = Counter(
        dict(
            stage.rows("SELECT reason, count(*) FROM document_results WHERE state = 'failed' GROUP BY reason")
        )
    )
    assert set(reasons) <= REASONS
    assert reasons.total() == failed


def test_only_documents_that_failed_for_the_named_reason_are_driven_again(
    stage: Scene, undisturbed: dict[str, bytes]
) -> None:
    """A user who retries one kind of failure would pay for others, or change documents that were done."""
    stage.endpoint.change(seed=3, share=SHARE, kinds=CONTENT)
    (shard,) = stage.prepare()
    stage.finish(shard)
    stage.execute(
        "DELETE FROM document_results WHERE document_id IN (SELECT document_id FROM document_results LIMIT 1)"
    )
    before = results(stage)
    reason, _ = Counter(reason for _, state, reason in before if state == "failed").most_common(1)[0]
    chosen = {document for document, state, why in before if state == "failed" and why == reason}
    others = [row for row in before if row[0] not in chosen]
    assert any(state == "failed" for _, state, _ in others), "the seed must bring other failures about, too"
    stage.endpoint.change(seed=0, share=0.0)
    known = stage.answers_known()
    (shard,) = stage.prepare("again")
    ended = stage.finish(shard, "again", only_failed=(reason,))
    assert ended.exit_code == 0, ended
    after = results(stage)
    assert [row for row in after if row[0] not in chosen] == others
    assert {state for document, state, _ in after if document in chosen} == {"done"}
    asked = stage.rows("SELECT DISTINCT document_id FROM llm_calls WHERE run_id = 'again'")
    assert {document for (document,) in asked} == chosen
    assert stage.answers_known() > known
    assert stage.rows("SELECT state FROM conversions") == [("open",)]
    (shard,) = stage.prepare("rest")
    assert stage.finish(shard, "rest").exit_code == 0
    assert stage.dataset("rest") == undisturbed


def results(stage: Scene) -> list[tuple[str, str, str]]:
    """Return where each document ended."""
    return [
        tuple(row) for row in stage.rows("SELECT document_id, state, reason FROM document_results ORDER BY 1")
    ]
