"""Weighted prompts: from the language of compel to the tensors that a pipeline takes in the place of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from farm.errors import RenderError
from farm.inputs.compel_syntax import in_compels_words, prompt_mistake

if TYPE_CHECKING:
    from compel import Compel


class WeightedPrompts:
    """Encodes weighted prompts for a pipeline with CLIP's text encoders: one, as Stable Diffusion, or two, as SDXL.

    As compel's CompelForSD and CompelForSDXL do it: a prompt of any length is encoded in blocks of 77 tokens, each
    prompt alone, and a prompt without weights gives what the pipeline's `encode_prompt` gives for it. What is pooled
    of a prompt knows no weights: it is that of the text as it is written.
    """

    def __init__(self, pipeline: Any) -> None:
        names = [name for name in pipeline.components if name.startswith("text_encoder")]
        held = {name: getattr(pipeline, name) for name in names if getattr(pipeline, name) is not None}
        are_clip = all(
            isinstance(encoder, (CLIPTextModel, CLIPTextModelWithProjection)) for encoder in held.values()
        )
        if not held or not are_clip or "text_encoder_3" in names:
            raise RenderError(
                "render.prompt_syntax: compel weighs the prompts of Stable Diffusion and SDXL, and "
                f"{type(pipeline).__name__} reads them otherwise; allowed: plain."
            )
        self._pipeline = pipeline
        self._names = list(held)
        self._has_pooled = "text_encoder_2" in held

    def encode(
        self, prompts: Sequence[str], negative_prompts: Sequence[str] | None, clip_skip: int | None = None
    ) -> Mapping[str, torch.Tensor]:
        """Return the tensors of all prompts by the names of the pipeline's call, and of the negative ones if given.

        All are padded to the length of the longest of both, [number, 77 * blocks, width], with the encoding of
        nothing. `clip_skip` is not for the negative ones, as in diffusers.

        Raises:
            RenderError: when a prompt is not what compel reads.
        """
        # Anew each time: compel keeps the encoding of nothing, and a LoRA may be at another scale by now.
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
    """Prompts as each of the text encoders encodes them."""

    def __init__(self, encoders: list[Compel], prompts: list[str]) -> None:
        self._encoders, self._prompts = encoders, prompts
        self._of = [[_encoded(encoder, prompt) for prompt in prompts] for encoder in encoders]
        self._block = encoders[0].conditioning_provider.max_token_count
        self.blocks = max(tensor.shape[1] for one in self._of for tensor in one) // self._block

    def embeds(self, blocks: int) -> torch.Tensor:
        return torch.cat(
            [
                torch.cat([self._padded(tensor, encoder, blocks) for tensor in tensors])
                for encoder, tensors in zip(self._encoders, self._of, strict=True)
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
    from compel import Compel  # takes seconds: it loads the pipelines of all families that it knows

    tokenizer = getattr(pipeline, name.replace("text_encoder", "tokenizer"))
    encoder = _Encoder(getattr(pipeline, name), pipeline._execution_device, is_xl, clip_skip)
    return Compel(
        tokenizer=tokenizer,
        text_encoder=encoder,
        textual_inversion_manager=_LearnedWords(tokenizer),
        truncate_long_prompts=False,
    )


class _Encoder:
    """A text encoder as compel calls it: where an offloaded one computes, and up to the layer that is wanted."""

    def __init__(self, encoder: Any, device: torch.device, is_xl: bool, clip_skip: int | None) -> None:
        self.device, self.dtype = device, encoder.dtype
        self._encoder, self._is_xl, self._skip = encoder, is_xl, clip_skip

    def __call__(self, tokens: torch.Tensor, mask: torch.Tensor | None = None, **_: Any) -> SimpleNamespace:
        output = self._encoder(tokens, mask, output_hidden_states=True, return_dict=True)
        # Which layer, and whether it is normalized: as StableDiffusionPipeline and StableDiffusionXLPipeline do it.
        if self._is_xl:
            states = output.hidden_states[-2 - (self._skip or 0)]
        elif self._skip is None:
            states = output.last_hidden_state
        else:
            model = getattr(self._encoder, "text_model", self._encoder)
            states = model.final_layer_norm(output.hidden_states[-1 - self._skip])
        return SimpleNamespace(last_hidden_state=states, pooler_output=output[0])


class _LearnedWords:
    """Writes a learned word of several vectors as all of its tokens, as `maybe_convert_prompt` of diffusers does.

    compel's own manager writes the tokens as text and reads it again, which may give others.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._numbers: dict[str, int] = tokenizer.get_added_vocab()
        self._words = {number: word for word, number in self._numbers.items()}

    def expand_textual_inversion_token_ids_if_necessary(self, token_ids: list[int]) -> list[int]:
        return [more for token in token_ids for more in self._vectors(token)]

    def _vectors(self, token: int) -> list[int]:
        vectors = [token]
        while (word := self._words.get(token)) and (more := self._numbers.get(f"{word}_{len(vectors)}")):
            vectors.append(more)
        return vectors


def _checked(prompt: str) -> str:
    mistake = prompt_mistake(prompt)
    if mistake is not None:
        raise RenderError(f"prompt {prompt!r}: {mistake}.")
    return in_compels_words(prompt)


def _encoded(encoder: Compel, prompt: str) -> torch.Tensor:
    embeds, _ = encoder.build_conditioning_tensor_for_conjunction(encoder.parse_prompt_string(prompt))
    return embeds
