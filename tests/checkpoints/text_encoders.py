"""Text encoders of the size of their tokenizer, 16 numbers wide and a few layers deep."""

from __future__ import annotations

from typing import TypeVar

from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerBase,
    T5Config,
    T5EncoderModel,
)

_Clip = TypeVar("_Clip", CLIPTextModel, CLIPTextModelWithProjection)
WIDTH = 16
T5_WIDTH = 32


def clip_encoder(kind: type[_Clip], words: PreTrainedTokenizerBase, *, width: int = WIDTH) -> _Clip:
    return kind(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=width,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            max_position_embeddings=words.model_max_length,
            projection_dim=width,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )


def t5_encoder(words: PreTrainedTokenizerBase) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=len(words),
            d_model=T5_WIDTH,
            d_kv=8,
            d_ff=32,
            num_layers=2,
            num_heads=2,
            feed_forward_proj="gated-gelu",
        )
    )
