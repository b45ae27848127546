"""A tokenizer and a model made on the spot, so that nothing is downloaded. For the environments of trainers only."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer_of(texts: Iterable[str], whole: Iterable[str] = ()) -> Any:
    """Train a byte-level tokenizer with a chat template.

    Args:
        texts: to train on.
        whole: texts that shall be one token each.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(list(whole))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>", chat_template=TEMPLATE
    )


def model_of(tokenizer: Any) -> Any:
    """Make a language model of two layers with random weights, the same every time."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return Qwen2ForCausalLM(config)


def say(trainer: str, what: str) -> None:
    """Print what was proven."""
    try:
        name = f"{trainer} {version(trainer)}"
    except Exception:  # run from its sources
        name = trainer
    print(f"PROVEN {name}: {what}", flush=True)


def require_copy(folder: Path) -> None:
    """Make sure that rewards come from the released folder, not from this project."""
    import webscale_rl

    assert webscale_rl.__file__ is not None
    assert Path(webscale_rl.__file__).is_relative_to(folder), webscale_rl.__file__
