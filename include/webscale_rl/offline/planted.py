"""A 'model' that follows labels and makes mistakes at set rates: how errors add up along the road.

It knows of every question what is wrong with it, and says so, or says the opposite as often as it is told to. Nothing
is drawn at random: a mistake follows from the hash of seed, model, stage and the variable parts of the prompt, so a
question that fails at a small rate fails at every higher one, too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from webscale_rl.calibration.items import Defect
from webscale_rl.errors import ConfigurationError
from webscale_rl.ids import content_id
from webscale_rl.llm.fence import fenced, restore
from webscale_rl.offline.planted_labels import DISTRACTORS, Candidate, PlantedItem
from webscale_rl.stages.options import LETTERS
from webscale_rl.stages.text_match import normalised

PLANTED = "planted-labels-not-a-language-model"
OTHER_FAMILY = "planted-labels-of-another-family"  # its mistakes are independent of the first one's
MODELS = (PLANTED, OTHER_FAMILY)

WORDS = "As labelled."
UNKNOWN = "No label knows this."
UNSUPPORTED = frozenset({Defect.WRONG_VALUE, Defect.WRONG_ENTITY, Defect.NOT_IN_DOCUMENT})
# What cannot be solved without the document, although the question seems to carry its premises.
NO_PREMISES = frozenset({Defect.NOT_IN_DOCUMENT, Defect.DANGLING_REFERENT})

Fields = Mapping[str, str]
T = TypeVar("T")

_OPTION = re.compile(rf"^[{LETTERS}]\) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Mistakes:
    """How often the planted model is wrong.

    ``generator``: share of the places of a plan for which it writes a defective variant. ``checker``: share of its
    answers in every other stage that are wrong. ``correlation`` (Pearson's): of the mistakes of one model that solves
    one question twice.
    """

    generator: float = 0.3
    checker: float = 0.1
    correlation: float = 0.5

    def __post_init__(self) -> None:
        for name in ("generator", "checker", "correlation"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ConfigurationError(f"planted: {name} must lie between 0 and 1, not {value!r}")


@dataclass(frozen=True)
class _Asked:
    """All that is known of one question: candidates that ask it differ in their answer."""

    key: str
    candidates: tuple[Candidate, ...]
    distractors: tuple[str, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        return self.candidates[0].answers

    @property
    def wrong(self) -> tuple[str, ...]:
        """Plausible wrong answers, those that the generator would give among them."""
        if options := self.candidates[0].draft.options:
            return tuple(option for option in options if option not in self.answers)
        given = [each.draft.answer for each in self.candidates if each.draft.answer not in self.answers]
        others = [text for text in self.distractors if text not in self.answers]
        return tuple(dict.fromkeys([*given, *others]))[:DISTRACTORS]

    def has(self, *defects: Defect) -> bool:
        """Whether the wording has one of these defects, whatever its answer."""
        return any(candidate.defect in defects for candidate in self.candidates)

    def with_answer(self, answer: str) -> Candidate | None:
        """Return the candidate that gives an answer."""
        same = (each for each in self.candidates if normalised(each.draft.answer) == normalised(answer))
        return next(same, None)


class PlantedModel:
    """Answers every stage from labels.

    Args:
        items: what it follows; at most three of a document, no question in two items.
        mistakes: how often it is wrong.
        seed: other seeds make other mistakes.

    Raises:
        ConfigurationError: two items ask the same, or a document has more items than a plan holds.
    """

    def __init__(self, items: Sequence[PlantedItem], mistakes: Mistakes | None = None, seed: int = 0) -> None:
        self.items = tuple(items)
        self._mistakes = mistakes or Mistakes()
        self._seed = seed
        self._documents: dict[str, list[PlantedItem]] = {}
        self._asked: dict[str, _Asked] = {}
        self._options: dict[str, _Asked] = {}
        for item in items:
            self._documents.setdefault(normalised(item.document), []).append(item)
            self._learn(item)
        if longest := [len(plan) for plan in self._documents.values() if len(plan) > 3]:
            raise ConfigurationError(f"planted: a plan has at most three items, not {max(longest)}")
        self._stages: dict[str, Callable[[str, Fields], dict[str, Any]]] = {
            "assess": self._assess,
            "generate": self._generate,
            "repair": self._repair,
            "solve": self._solve,
            "closed": self._closed,
            "match": self._match,
            "blind": self._blind,
            "options": self._guess,
            "judge": self._judge,
        }

    def _learn(self, item: PlantedItem) -> None:
        own: dict[str, list[Candidate]] = {}
        for candidate in (item.good, *item.variants):
            key = _key(candidate.draft.question, candidate.draft.options)
            own.setdefault(key, []).append(candidate)
        for key, candidates in own.items():
            if key in self._asked or len({candidate.answers for candidate in candidates}) > 1:
                asked = candidates[0].draft.question
                raise ConfigurationError(f"planted: labels do not agree on the question {asked!r}")
            self._asked[key] = _Asked(key, tuple(candidates), item.distractors)
            if options := candidates[0].draft.options:
                self._options[_key("", options)] = self._asked[key]

    def answers(self, stage: str) -> bool:
        """Whether this is a stage of the road."""
        return stage in self._stages

    def answer(self, model: str, stage: str, prompt: str) -> dict[str, Any]:
        """Return the answer to a prompt; of several fences with one name, the last holds the task."""
        return self._stages[stage](
            model, {name: restore(texts[-1]) for name, texts in fenced(prompt).items()}
        )

    def written(self, item: PlantedItem) -> Candidate:
        """Return what the generator writes for a place of a plan; every kind of defect is as likely."""
        if self._share("generate", item.good.draft.question) >= self._mistakes.generator:
            return item.good
        return self._variant(item, item.variants, "kind")

    def defect(self, question: str, answer: str) -> Defect | None:
        """Return what is wrong with a question, its options below it, and an answer; None for an unknown pair."""
        asked = self._find(question)
        candidate = asked.with_answer(answer) if asked else None
        return candidate.defect if candidate else None

    def _variant(self, item: PlantedItem, variants: Sequence[Candidate], why: str) -> Candidate:
        if not variants:
            return item.good
        question = item.good.draft.question
        kinds = sorted({variant.defect for variant in variants})
        kind = self._pick(kinds, why, question)
        return self._pick([each for each in variants if each.defect is kind], why, question, kind.value)

    # --- draws

    def _share(self, *parts: str) -> float:
        """Return a number from 0 up to 1 that these parts decide."""
        return int(content_id([self._seed, *parts])[:13], 16) / 16**13

    def _pick(self, choices: Sequence[T], *parts: str) -> T:
        return choices[int(self._share("pick", *parts) * len(choices))]

    def _errs(self, model: str, stage: str, fields: Fields) -> bool:
        return self._share(model, stage, *_flat(fields)) < self._mistakes.checker

    def _source(self, model: str, stage: str, asked: _Asked, fields: Fields) -> tuple[str, ...]:
        """Return what decides one of several solves of a question: the question for all, or the prompt for each.

        Two solves both follow the question with the probability ``correlation``, which is then their correlation.
        """
        own = (model, stage, *_flat(fields))
        together = self._share("together", *own) < math.sqrt(self._mistakes.correlation)
        return (model, "solve", asked.key) if together else own

    # --- the generator

    def _assess(self, model: str, fields: Fields) -> dict[str, Any]:
        items = self._plan(fields)
        plan = [self.written(item).plan.model_dump(mode="json") for item in items]
        return {
            "analysis": WORDS if items else UNKNOWN,
            "flags": [] if items else ["no_facts"],
            "decision": "suitable" if items else "unsuitable",
            "domain": items[0].domain.value if items else "Other",
            "plan": plan,
        }

    def _plan(self, fields: Fields) -> list[PlantedItem]:
        return self._documents.get(normalised(fields.get("document", "")), [])

    def _generate(self, model: str, fields: Fields) -> dict[str, Any]:
        for candidate in map(self.written, self._plan(fields)):
            if _fits(candidate, fields):
                return candidate.draft.model_dump(mode="json")
        return _abstention()

    def _repair(self, model: str, fields: Fields) -> dict[str, Any]:
        """Write the good draft, or again a defective one; abstain where the good one is for another task."""
        for item in self._plan(fields):
            if _fits(self.written(item), fields) and _fits(item.good, fields):
                fitting = [variant for variant in item.variants if _fits(variant, fields)]
                errs = self._share("repair", item.good.draft.question) < self._mistakes.generator
                found = self._variant(item, fitting, "repair") if errs else item.good
                return found.draft.model_dump(mode="json")
        return _abstention()

    # --- the checker

    def _find(self, question: str) -> _Asked | None:
        options = _OPTION.findall(question)
        stem = question.split(f"\n{LETTERS[0]}) ")[0]
        # Yes and no may stand below a question as its options and are no part of its label.
        return self._asked.get(_key(stem, options)) or self._asked.get(_key(stem))

    def _solve(self, model: str, fields: Fields) -> dict[str, Any]:
        return self._solved(model, "solve", fields, self._find(fields["question"]))

    def _closed(self, model: str, fields: Fields) -> dict[str, Any]:
        asked = self._find(fields["question"])
        found = self._solved(model, "closed", fields, asked, lacking=not asked or asked.has(*NO_PREMISES))
        return found | {"missing": "" if found["sufficient"] else "a premise"}

    def _solved(
        self, model: str, stage: str, fields: Fields, asked: _Asked | None, *, lacking: bool = False
    ) -> dict[str, Any]:
        if asked is None:
            return {"analysis": UNKNOWN, "sufficient": False, "answer": ""}
        source = self._source(model, stage, asked, fields)
        choices = () if lacking else asked.answers
        if self._share(*source) < self._mistakes.checker:
            choices = asked.wrong
        answer = self._pick(choices, *source) if choices else ""
        return {"analysis": WORDS, "sufficient": bool(answer), "answer": answer}

    def _match(self, model: str, fields: Fields) -> dict[str, Any]:
        one, two = (normalised(fields[name]) for name in ("answer_one", "answer_two"))
        asked = self._find(fields["question"])
        wordings = [{one}, *(_wordings(each) for each in (asked.candidates if asked else ()))]
        same = any(one in known and two in known for known in wordings)
        same ^= self._errs(model, "match", fields)
        return {"analysis": WORDS, "verdict": "same" if same else "different"}

    def _blind(self, model: str, fields: Fields) -> dict[str, Any]:
        asked = self._find(fields["question"])
        dangling = asked is None or asked.has(Defect.DANGLING_REFERENT)
        ambiguous = asked is not None and asked.has(Defect.AMBIGUOUS)
        if self._errs(model, "blind", fields):
            dangling, ambiguous = not (dangling or ambiguous), False
        return {
            "analysis": WORDS if asked else UNKNOWN,
            "missing": "what is meant" if dangling else "",
            "self_contained": not dangling,
            "ambiguous": ambiguous,
        }

    def _guess(self, model: str, fields: Fields) -> dict[str, Any]:
        """Guess an option that no candidate holds to be right, or the right one."""
        options = _OPTION.findall(fields["options"])
        asked = self._options.get(_key("", options))
        given = {each.draft.answer for each in asked.candidates} | {*asked.answers} if asked else set()
        others = [option for option in options if option not in given] or options or [""]
        answer = self._pick(others, model, "options", *_flat(fields))
        if asked and asked.answers:
            source = self._source(model, "options", asked, fields)
            # Apart from the solves: whether options give themselves away is another question.
            answer = asked.answers[0] if self._share("options", *source) < self._mistakes.checker else answer
        return {"analysis": WORDS, "answer": answer}

    def _judge(self, model: str, fields: Fields) -> dict[str, Any]:
        """Judge with the document in view: a referent that dangles, or a second reading, is not noticed."""
        asked = self._find(fields["question"])
        candidate = asked.with_answer(fields["answer"]) if asked else None
        defect = candidate.defect if candidate else Defect.NOT_IN_DOCUMENT
        rivals = candidate.answers[1:] if candidate and defect is Defect.SECOND_ANSWER else ()
        sound = not rivals and defect not in UNSUPPORTED and defect is not Defect.LEAK
        if self._errs(model, "judge", fields):
            supported, rivals, revealed = not sound, (), False
        else:
            supported, revealed = defect not in UNSUPPORTED, defect is Defect.LEAK
        return {
            "analysis": WORDS if candidate else UNKNOWN,
            "supported": supported,
            "rival_answer": rivals[0] if rivals else "",
            "answer_revealed": revealed,
        }


def _key(stem: str, options: Sequence[str] = ()) -> str:
    """Return what a question is known by, in whatever order its options stand."""
    return "\n".join([normalised(stem), *sorted(map(normalised, options))])


def _flat(fields: Fields) -> list[str]:
    return [part for name in sorted(fields) if name != "document" for part in (name, fields[name])]


def _fits(candidate: Candidate, fields: Fields) -> bool:
    wanted = (fields.get("task_form"), normalised(fields.get("target", "")))
    return wanted == (candidate.plan.task_form.value, normalised(candidate.plan.target))


def _wordings(candidate: Candidate) -> set[str]:
    """Return the wordings of the right answer: aliases of a draft are those of its own answer."""
    texts = [candidate.draft.answer, *candidate.draft.aliases]
    return {normalised(text) for text in texts} if candidate.draft.answer in candidate.answers else set()


def _abstention() -> dict[str, Any]:
    return {
        **dict.fromkeys(("derivation", "expression", "question", "answer", "unit", "precision"), ""),
        **{"evidence": [], "options": [], "aliases": [], "abstain": True, "abstain_reason": UNKNOWN},
        **{"answer_type": "phrase", "tolerance": 0.0, "claim_scope": "world", "scope_anchor": ""},
    }
