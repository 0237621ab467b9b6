"""Encodes weighted prompts in compel's syntax to the tensors that a pipeline takes instead of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from farm.errors import RenderError
from farm.inputs.compel_syntax import prompt_mistake, to_compel_syntax

if TYPE_CHECKING:
    from compel import Compel


class WeightedPrompts:
    """Encodes weighted prompts for a pipeline with CLIP's text encoders: one, as Stable Diffusion, or two, as SDXL.

    Like compel's CompelForSD and CompelForSDXL: prompts of any length are encoded separately, in blocks of 77 tokens,
    and a prompt without weights gives the result of the pipeline's `encode_prompt`. Pooled embeddings are those of the
    text as written, without weights.
    """

    def __init__(self, pipeline: Any) -> None:
        names = [name for name in pipeline.components if name.startswith("text_encoder")]
        encoders = {name: getattr(pipeline, name) for name in names if getattr(pipeline, name) is not None}
        are_clip = all(
            isinstance(encoder, (CLIPTextModel, CLIPTextModelWithProjection)) for encoder in encoders.values()
        )
        if not encoders or not are_clip or "text_encoder_3" in names:
            raise RenderError(
                "render.prompt_syntax: compel supports Stable Diffusion and SDXL, not "
                f"{type(pipeline).__name__}; allowed: plain."
            )
        self._pipeline = pipeline
        self._names = list(encoders)
        self._has_pooled = "text_encoder_2" in encoders

    def encode(
        self, prompts: Sequence[str], negative_prompts: Sequence[str] | None, clip_skip: int | None = None
    ) -> Mapping[str, torch.Tensor]:
        """Return the tensors of prompts, and of negative prompts if given, by their argument names.

        All are padded with the encoding of an empty prompt to the longest of both, [number, 77 * blocks, width]. As in
        diffusers, `clip_skip` does not apply to negative prompts.

        Raises:
            RenderError: when compel would misread a prompt.
        """
        # With new encoders each time: compel caches the encoding of an empty prompt, and LoRA scales may have changed.
        with torch.no_grad():
            sides = {"": self._side(prompts, clip_skip)}
            if negative_prompts is not None:
                sides["negative_"] = self._side(negative_prompts, None)
            longest = max(side.blocks for side in sides.values())
            tensors = {f"{name}prompt_embeds": side.embeds(longest) for name, side in sides.items()}
            if self._has_pooled:
                tensors |= {f"{name}pooled_prompt_embeds": side.pooled() for name, side in sides.items()}
        return tensors

    def _side(self, prompts: Sequence[str], clip_skip: int | None) -> _Side:
        encoders = [
            _compel(self._pipeline, name, is_xl=self._has_pooled, clip_skip=clip_skip) for name in self._names
        ]
        return _Side(encoders, [_checked(prompt) for prompt in prompts])


class _Side:
    """The encodings of prompts by each text encoder."""

    def __init__(self, encoders: list[Compel], prompts: list[str]) -> None:
        self._encoders, self._prompts = encoders, prompts
        self._encodings = [[_encode(encoder, prompt) for prompt in prompts] for encoder in encoders]
        self._block = encoders[0].conditioning_provider.max_token_count
        self.blocks = max(tensor.shape[1] for tensors in self._encodings for tensor in tensors) // self._block

    def embeds(self, blocks: int) -> torch.Tensor:
        return torch.cat(
            [
                torch.cat([self._padded(tensor, encoder, blocks) for tensor in tensors])
                for encoder, tensors in zip(self._encoders, self._encodings, strict=True)
            ],
            dim=-1,
        )

    def pooled(self) -> torch.Tensor:
        provider = self._encoders[-1].conditioning_provider
        return torch.cat([provider.get_pooled_embeddings([prompt]) for prompt in self._prompts])

    def _padded(self, tensor: torch.Tensor, encoder: Compel, blocks: int) -> torch.Tensor:
        missing = blocks - tensor.shape[1] // self._block
        return torch.cat([tensor, *[encoder.conditioning_provider.empty_z.to(tensor)] * missing], dim=1)


def _compel(pipeline: Any, name: str, *, is_xl: bool, clip_skip: int | None) -> Compel:
    from compel import Compel  # slow: it imports the pipelines of all families that it supports

    tokenizer = getattr(pipeline, name.replace("text_encoder", "tokenizer"))
    encoder = _Encoder(getattr(pipeline, name), pipeline._execution_device, is_xl, clip_skip)
    return Compel(
        tokenizer=tokenizer,
        text_encoder=encoder,
        textual_inversion_manager=_TextualInversions(tokenizer),
        truncate_long_prompts=False,
    )


class _Encoder:
    """A text encoder as compel calls it, on its computing device, and up to the chosen layer."""

    def __init__(self, encoder: Any, device: torch.device, is_xl: bool, clip_skip: int | None) -> None:
        self.device, self.dtype = device, encoder.dtype
        self._encoder, self._is_xl, self._skip = encoder, is_xl, clip_skip

    def __call__(self, tokens: torch.Tensor, mask: torch.Tensor | None = None, **_: Any) -> SimpleNamespace:
        output = self._encoder(tokens, mask, output_hidden_states=True, return_dict=True)
        # The layer and its normalization are those of StableDiffusionPipeline and StableDiffusionXLPipeline.
        if self._is_xl:
            states = output.hidden_states[-2 - (self._skip or 0)]
        elif self._skip is None:
            states = output.last_hidden_state
        else:
            model = getattr(self._encoder, "text_model", self._encoder)
            states = model.final_layer_norm(output.hidden_states[-1 - self._skip])
        return SimpleNamespace(last_hidden_state=states, pooler_output=output[0])


class _TextualInversions:
    """Expands a token with several vectors to all of its tokens, like `maybe_convert_prompt` of diffusers.

    compel's own manager does so in text and tokenizes it again, which may give other tokens.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._numbers: dict[str, int] = tokenizer.get_added_vocab()
        self._words = {number: word for word, number in self._numbers.items()}

    def expand_textual_inversion_token_ids_if_necessary(self, token_ids: list[int]) -> list[int]:
        return [expanded for token in token_ids for expanded in self._vectors(token)]

    def _vectors(self, token: int) -> list[int]:
        vectors = [token]
        while (word := self._words.get(token)) and (next_ := self._numbers.get(f"{word}_{len(vectors)}")):
            vectors.append(next_)
        return vectors


def _checked(prompt: str) -> str:
    mistake = prompt_mistake(prompt)
    if mistake is not None:
        raise RenderError(f"prompt {prompt!r}: {mistake}.")
    return to_compel_syntax(prompt)


def _encode(encoder: Compel, prompt: str) -> torch.Tensor:
    embeds, _ = encoder.build_conditioning_tensor_for_conjunction(encoder.parse_prompt_string(prompt))
    return embeds
