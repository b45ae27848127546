"""A text must be kept once, whichever night brings it, also when nights run at once or are killed."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from webscale_rl.corpus.near_duplicates import sketch
from webscale_rl.store.claims import COMPARED, Candidate, Duplicate, claim, release_stale
from webscale_rl.store.engine import REPOSITORY, libpq_url, open_engine

SHARED = REPOSITORY.parent / "shared" / "data" / "corpus"


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = open_engine(database)
    yield engine
    engine.dispose()


def story(number: int) -> str:
    return " ".join(f"word{number * 1_000 + n}" for n in range(200))


def candidates(*texts: str) -> list[Candidate]:
    return [Candidate(f"doc-{each[:12]}-{len(each)}", sketch(each)) for each in texts]


def claimed(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM text_claims")).scalar_one())


def kinds(found: list[Duplicate | None]) -> list[str]:
    return [each.kind if each else "kept" for each in found]


def test_within_and_across_partitions(engine: Engine) -> None:
    seen: set[bytes] = set()
    near = story(1) + " and one more sentence at its end"
    first = claim(engine, "night-1", candidates(story(1), story(2), near, story(1).upper()), seen)
    assert kinds(first) == ["kept", "kept", "near", "exact"]
    assert first[2] is not None
    assert first[2].document_id == candidates(story(1))[0].document_id
    assert 0.9 < first[2].similarity <= 1
    assert kinds(claim(engine, "night-1", candidates(story(2), story(3)), seen)) == ["exact", "kept"]
    second = claim(engine, "night-2", candidates(story(3), near, story(4)), set())
    assert kinds(second) == ["exact", "near", "kept"]
    assert {each.partition_id for each in second if each} == {"night-1"}
    assert claimed(engine) == 4


def test_a_rerun_recognises_its_own_claims(engine: Engine) -> None:
    texts = [story(1), story(2), story(1) + " with an addition", story(2)]
    before = claim(engine, "night-1", candidates(*texts), set())
    assert claim(engine, "night-1", candidates(*texts), set()) == before
    assert claimed(engine) == 2


def test_nights_at_once_keep_each_text_once(engine: Engine) -> None:
    texts = [story(n) for n in range(40)]

    def night(number: int) -> list[str]:
        found = []
        seen: set[bytes] = set()
        order = texts if number % 2 else texts[::-1]
        for start in range(0, len(order), 5):
            found += kinds(claim(engine, f"night-{number}", candidates(*order[start : start + 5]), seen))
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [kind for kinds in pool.map(night, range(4)) for kind in kinds]
    assert found.count("kept") == 40 == claimed(engine)
    assert found.count("exact") == 120


def test_a_connection_that_dies_in_a_batch_leaves_nothing_and_no_lock(engine: Engine, database: str) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(x) FROM (SELECT 0x57524C01 AS x)"))
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(libpq_url(database)) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [process])
        connection.invalidate()
    assert kinds(claim(engine, "night-1", candidates(story(1)), set())) == ["kept"]


def test_a_batch_that_is_killed_leaves_nothing(engine: Engine) -> None:
    """The server ends the connection once the rows are written and before they are committed."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
            )
        )
        connection.execute(
            text("CREATE TRIGGER fall AFTER INSERT ON text_claims FOR EACH STATEMENT EXECUTE FUNCTION fall()")
        )
    seen: set[bytes] = set()
    with pytest.raises(OperationalError):
        claim(engine, "night-1", candidates(story(1), story(2)), seen)
    assert not seen
    assert claimed(engine) == 0
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER fall ON text_claims"))
    assert kinds(claim(engine, "night-2", candidates(story(1), story(2)), seen)) == ["kept", "kept"]


def test_duplicates_name_a_document_that_is_there(engine: Engine) -> None:
    """A partition is delivered again without the copy that was first: the copy that is kept takes its place."""
    first, shouted = candidates(story(1), story(1).upper())
    third = Candidate("third", first.sketch)
    assert kinds(claim(engine, "night-1", [first, shouted], set())) == ["kept", "exact"]
    kept, again = claim(engine, "night-1", [shouted, third], set())
    assert kept is None
    assert again is not None
    assert again.document_id == shouted.document_id
    (other,) = claim(engine, "night-2", [third], set())
    assert other is not None
    assert other.document_id == shouted.document_id
    assert claimed(engine) == 1


def test_sketches_of_another_version_are_not_compared(engine: Engine) -> None:
    claim(engine, "night-1", candidates(story(1)), set())
    with engine.begin() as connection:
        connection.execute(text("UPDATE text_claims SET version = version - 1"))
    near = story(1) + " and one more sentence at its end"
    assert kinds(claim(engine, "night-2", candidates(story(1), near), set())) == ["exact", "kept"]


def test_altered_copies_are_found_and_another_number_is_another_question(engine: Engine) -> None:
    words = story(1).split()
    changed = " ".join(word if n not in (40, 90) else "changed" for n, word in enumerate(words))
    dropped = " ".join(words[:60] + words[75:])
    question = "A train leaves the station at 60 km per hour. How far does it go in 3 hours of travel?"
    assert kinds(claim(engine, "night-1", candidates(story(1), question), set())) == ["kept", "kept"]
    found = claim(engine, "night-2", candidates(changed, dropped, question.replace("3", "4")), set())
    assert kinds(found) == ["near", "near", "kept"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpus is not there")
def test_ordinary_documents_are_kept(engine: Engine) -> None:
    """The few that are left out are pages of one database on rare diseases, alike but for the name."""
    texts = [
        json.loads(line)["text"]
        for file in sorted(SHARED.glob("*.jsonl"))
        if file.name != "junk.jsonl"
        for line in file.read_text().split("\n")
        if line
    ]
    seen: set[bytes] = set()
    found: list[Duplicate | None] = []
    for start in range(0, len(texts), 500):
        batch = [Candidate(str(start + n), sketch(each)) for n, each in enumerate(texts[start : start + 500])]
        found += claim(engine, "night-1", batch, seen)
    assert kinds(found).count("kept") >= 0.995 * len(texts)


def test_texts_that_a_partition_has_no_more_are_free(engine: Engine) -> None:
    texts = candidates(story(1), story(2), story(3))
    claim(engine, "night-1", texts, set())
    claim(engine, "night-2", candidates(story(4)), set())
    assert release_stale(engine, "night-1", [texts[0].sketch.text_hash]) == 2
    assert kinds(claim(engine, "night-3", candidates(story(1), story(2), story(4)), set())) == [
        "exact",
        "kept",
        "exact",
    ]
    assert release_stale(engine, "night-1", []) == 1


def test_short_texts_are_compared_exactly(engine: Engine) -> None:
    found = claim(engine, "night-1", candidates("one two three", "one two four", "One, two: three!"), set())
    assert kinds(found) == ["kept", "kept", "exact"]


def test_texts_that_all_share_a_band_stay_bounded(engine: Engine) -> None:
    """As hostile texts might; each is compared with so many others at most."""
    made = [sketch(story(n)) for n in range(3 * COMPARED)]
    hostile = [
        Candidate(str(n), type(each)(each.text_hash, (7, *each.bands[1:]), each.low))
        for n, each in enumerate(made)
    ]
    assert kinds(claim(engine, "night-1", hostile[:-5], set())) == ["kept"] * (len(hostile) - 5)
    assert kinds(claim(engine, "night-2", hostile[-5:], set())) == ["kept"] * 5
