"""Words that say nothing of their own, and words that take back, leave open or command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from webscale_rl.rewards.normalise import compatible

STOP = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been by did do does for from had has have he her his in is it its of on she that the
        their there they this to was were what when where which who whom whose will with called known named also
        answer""",
    )
)
TITLES = frozenset(
    re.findall(
        r"\w+",
        """dr doctor mr mrs ms miss prof professor sir lady lord king queen prince princess president saint st captain
        general emperor pope""",
    )
)
# Before one name these make another: Lady Macbeth is not Macbeth, Saint Helena not Helena.
OTHER_PERSONS = frozenset({"lady", "miss", "mrs", "ms", "saint", "st"})
# What takes an answer back, leaves it open, lists rivals, or speaks to whoever compares.
DENIAL = re.compile(
    r"\b(?:not|never|no|none|neither|nor|without|except|incorrect|wrong|false|unlike|instead|rather|nobody|nothing"
    r"|cannot|isnt|wasnt|arent|werent|doesnt|didnt|dont|cant|wont|hardly|denied|contrary)\b"
)
DOUBT = re.compile(
    r"\b(?:or|either|maybe|perhaps|possibly|probably|might|could|may (?:be|have)|unclear|unknown|uncertain|unsure"
    r"|guess|depends|depending|whether|alternatively|candidates?|options?|if|sure|several|various|any|anything"
    r"|everything|all of|some (?:say|sources)|disputed|i think|i believe|unless|partly|partially"
    r"|definitive|information|sorry)\b|\?"
)
RETRACTION = re.compile(
    r"\b(?:wait|actually|correction|scratch|on second thought|i mean|mistake|however|but)\b"
)
ORDERS = re.compile(
    r"\b(?:ignore|says?|instructions?|system|verifier|graders?|judge|accept|reward|score|evaluat\w+|assistant|prompt"
    r"|mark(?:ed)? (?:this|it)|correct answer|ground truth|expected|reference)\b|<\||\|>|\[/?inst\]|</?\w+>"
)
GUARDS = (DENIAL, DOUBT, RETRACTION, ORDERS)
_OPEN_END = re.compile(r"(?:\?|\.{3}|…)[^\w…]*$")


def guarded(candidate: str, allowed: Sequence[str] = (), question: str = "") -> bool:
    """Say whether a text denies, doubts, retracts or gives orders.

    It may do so as often as one of the ``allowed`` texts, and as the question that it may repeat. That a question
    ends with a question mark excuses no answer that does.
    """
    if _OPEN_END.search(candidate) and not any(map(_OPEN_END.search, allowed)):
        return True
    said = _guards(candidate)
    return bool(said) and all(said - _guards(text) - _guards(question) for text in allowed or ("",))


def _guards(text: str) -> Counter[str]:
    plain = _plain(text)
    return Counter(word for guard in GUARDS for word in guard.findall(plain))


def _plain(text: str) -> str:
    return compatible(text).casefold().replace("’", "'").replace("'", "")
