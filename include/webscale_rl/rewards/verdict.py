"""What rules can say of an answer."""

from enum import StrEnum


class Match(StrEnum):
    """The outcome of a comparison by rules."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"
