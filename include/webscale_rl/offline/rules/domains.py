"""The domain of a document by the words that it uses, and who would ask about it."""

import re
from collections import Counter

LOOKED_AT = 6000  # characters

_WORDS = {
    "Math": "number numbers equation equations fraction fractions integer integers theorem proof polynomial "
    "algebra sum multiply divide decimal numerator denominator triangle geometry variable expression "
    "probability modulo prime",
    "Technology & Engineering": "security attack attacker authentication server servers encryption password "
    "engine network networks device devices vulnerability access token tls certificate website websites web mobile "
    "digital internet users user app apps data technology kubernetes machine steam design usability",
    "Coding": "python code function functions class method module modules syntax compiler algorithm array int "
    "return vector string pep api import implementation complexity interpreter object objects type "
    "types argument iterator",
    "Social Science": "war government president political congress party century law rights philosophy philosopher "
    "philosophers ethics moral society social empire treaty colonists colonies slavery election king "
    "court constitution argument knowledge belief culture population city",
    "Natural Science": "cell cells bacteria species energy molecules protein microbes virus viruses chemical atoms "
    "planet physics oxygen organisms membrane dna microorganisms temperature reaction forest ocean "
    "geology",
    "Travel & Lifestyle": "recipe ingredients directions cook oven minutes butter cup onion garlic salt pan "
    "sauce dough tablespoon travel hotel tourist sport game season football stir bake",
    "Commerce & Economics": "revenue income fiscal tax market price prices demand supply consumer credit loan loans "
    "financial company sales costs assets shares economy economic bank interest payment disclosure "
    "creditor transaction ended expense expenses net capital million stock mortgage",
    "Medicine & Health": "disease patients treatment symptoms disorder syndrome cancer medical blood therapy doctor "
    "infection gene mutations inherited diagnosis drug drugs health tumor pain condition",
    "Education": "students teacher teachers school schools learning curriculum teaching education classroom "
    "university lesson course grade tutoring",
}
_DOMAINS_OF: dict[str, list[str]] = {}
for _domain, _words in _WORDS.items():
    for _word in _words.split():
        _DOMAINS_OF.setdefault(_word, []).append(_domain)

FEWEST = 4  # hits without which no domain is named

_PERSONAS = {
    "Math": (
        "A mathematics tutor preparing exercises",
        "A student revising for an exam",
        "A textbook editor",
    ),
    "Technology & Engineering": (
        "A systems engineer",
        "A security reviewer",
        "A product manager planning a service",
    ),
    "Coding": ("A software developer", "A code reviewer checking details", "A programming instructor"),
    "Social Science": ("A history teacher", "A policy researcher", "A graduate student in the humanities"),
    "Natural Science": ("A laboratory scientist", "A science journalist", "A biology student"),
    "Travel & Lifestyle": (
        "A home cook planning a meal",
        "A food and travel writer",
        "A caterer scaling quantities",
    ),
    "Commerce & Economics": ("A financial analyst", "A compliance officer", "An economics student"),
    "Medicine & Health": ("A nurse informing patients", "A medical student", "A public-health officer"),
    "Education": ("A school teacher", "A curriculum designer", "An education researcher"),
    "Other": ("A librarian answering readers", "A quiz author", "A careful reader"),
}


def domain_of(document: str) -> str:
    """Return one of the ten domains."""
    counted = Counter(re.findall(r"[a-z]+", document[:LOOKED_AT].lower()))
    hits = dict.fromkeys(_WORDS, 0)
    for word, domains in _DOMAINS_OF.items():
        for domain in domains:
            hits[domain] += counted[word]
    best = max(hits, key=lambda domain: hits[domain])
    return best if hits[best] >= FEWEST else "Other"


def personas_of(domain: str) -> tuple[str, ...]:
    """Return three kinds of persons who might ask about a domain."""
    return _PERSONAS[domain]
