"""Choice questions from sentences that give a reason: the reason is masked, those of other sentences are offered."""

import re
from collections.abc import Iterator

from webscale_rl.offline.rules.fact import DANGLING, Fact
from webscale_rl.offline.rules.text import Page, Sentence
from webscale_rl.stages.masked_span import MASK

OFFERED = 4
_REASON = re.compile(
    r"\b(?:because|so that|in order to|which means that|unless|whenever)\s+"
    r"(?P<span>[a-z][^,;.:()\"“”\[\]]{15,120})(?=[.,;](?:\s|$))"
)


def argument_facts(page: Page) -> Iterator[Fact]:
    """Yield a masked sentence for each reason of a document that gives at least four of them."""
    reasons: dict[str, tuple[Sentence, re.Match[str]]] = {}
    for sentence in page.sentences:
        found = _REASON.search(sentence.text)
        whole = (
            sentence.text == sentence.raw and '"' not in sentence.text and not DANGLING.match(sentence.text)
        )
        if found is not None and whole and 3 <= len(found["span"].split()) <= 20:
            reasons.setdefault(found["span"], (sentence, found))
    spans = list(reasons)
    if not page.title or len(spans) < OFFERED:
        return
    for place, span in enumerate(spans):
        sentence, found = reasons[span]
        masked = f"{sentence.text[: found.start('span')]}{MASK}{sentence.text[found.end('span') :]}"
        others = (*spans[place + 1 :], *spans[:place])[: OFFERED - 1]
        yield Fact(
            form="choice",
            target=f'the reason in the statement that begins "{" ".join(sentence.text.split()[:5])}"',
            question=f'On the subject of "{page.title}", a step of a statement is masked: "{masked}" '
            f"Which option belongs in place of {MASK}?",
            answer=span,
            answer_type="choice",
            evidence=(sentence.raw,),
            derivation="The statement stands in the document with this reason.",
            rank=50,
            options=(span, *others),
        )
