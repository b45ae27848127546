"""A prefix cache as an inference server keeps it: full blocks of tokens, keyed by all that stands before."""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

BLOCK = 16  # tokens; the default of vLLM on a GPU


class PrefixCache:
    """Remembers which blocks were computed last; the least recently used ones are forgotten first.

    Args:
        capacity: number of blocks kept.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: OrderedDict[bytes, None] = OrderedDict()
        self.queried_tokens = 0
        self.hit_tokens = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def take(self, tokens: Sequence[int]) -> int:
        """Return how many leading tokens were cached, a multiple of 16, and cache the prompt.

        At least one token of a prompt is always computed, for a server needs it to produce the next one.
        """
        keys = _block_keys(tokens)
        hits = 0
        for key in keys[: max(len(tokens) - 1, 0) // BLOCK]:
            if key not in self._blocks:
                break
            hits += 1
        # From the end, so that the beginning of a prompt, which others share, is forgotten last.
        for key in reversed(keys):
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)
        self.queried_tokens += len(tokens)
        self.hit_tokens += hits * BLOCK
        return hits * BLOCK


def _block_keys(tokens: Sequence[int]) -> list[bytes]:
    """Return a key for each full block: a hash of its tokens and of the key before it."""
    data = array("I", tokens).tobytes()
    width = BLOCK * array("I").itemsize
    keys = []
    parent = b""
    for start in range(0, len(data) - width + 1, width):
        parent = hashlib.blake2b(parent + data[start : start + width], digest_size=16).digest()
        keys.append(parent)
    return keys
