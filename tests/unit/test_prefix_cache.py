"""The stand-in reports cached tokens as a server would: else a prompt in the wrong order looks as good."""

from webscale_rl.llm.prefix_cache import PrefixCache


def test_a_shared_prefix_is_counted_in_full_blocks() -> None:
    cache = PrefixCache(100)
    prompt = list(range(40))
    assert cache.take(prompt) == 0
    assert cache.take([*prompt[:35], 1, 2, 3, 4, 5]) == 32
    assert (cache.queried_tokens, cache.hit_tokens) == (80, 32)


def test_one_changed_token_loses_all_that_follows() -> None:
    cache = PrefixCache(100)
    cache.take(list(range(64)))
    assert cache.take([99, *range(1, 64)]) == 0


def test_the_last_token_is_always_computed() -> None:
    cache = PrefixCache(100)
    cache.take(list(range(32)))
    assert cache.take(list(range(32))) == 16


def test_the_least_recently_used_prompt_is_forgotten_from_its_end() -> None:
    cache = PrefixCache(3)
    first, second = list(range(33)), list(range(100, 133))
    cache.take(first)
    cache.take(second)
    assert len(cache) == 3
    assert cache.take(second) == 32
    assert cache.take(first) == 16


def test_a_prompt_longer_than_the_cache_does_no_harm() -> None:
    cache = PrefixCache(2)
    assert cache.take(list(range(160))) == 0
    assert len(cache) == 2
    assert cache.take([]) == 0
