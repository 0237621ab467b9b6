"""Textual inversions must be trained with text encoders of the model's kind."""

from tests.checkpoints import lora
from tests.rules.altering import altered

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
WORDS = "needed: an embedding trained with this model's text encoders."


def test_a_textual_inversion_fits_its_model(mismatches):
    assert mismatches(SD, "@sd", textual_inversions=[{"pretrained": "@doodle"}]) == []
    words = [{"pretrained": "@doodle-xl", "token": "<scrawl>"}, {"pretrained": "@doodle"}]
    assert mismatches(XL, "@xl", textual_inversions=words) == []


def test_a_token_is_defined_once(mismatches):
    words = [{"pretrained": "@doodle-xl", "token": "<doodle>"}, {"pretrained": "@doodle"}]
    assert mismatches(XL, "@xl", textual_inversions=words) == [
        "model.textual_inversions[1].token: <doodle> is defined twice; needed: a unique token for each."
    ]


def test_a_token_missing_from_its_file_is_required(mismatches):
    assert mismatches(XL, "@xl", textual_inversions=[{"pretrained": "@doodle-xl"}]) == [
        "model.textual_inversions[0].token: missing; needed: its token in prompts, such as <cat-toy>, since the "
        "file does not name one."
    ]


def test_a_textual_inversion_for_other_text_encoders_is_reported(saved, mismatches, tmp_path):
    copy = altered(saved("sd"), tmp_path / "wide", "text_encoder/config.json", hidden_size=24)
    words = [{"pretrained": "@doodle"}, {"pretrained": "@doodle-xl", "token": "<d>"}]
    field = "model.textual_inversions"
    assert mismatches(SD, copy, textual_inversions=words) == [
        f"{field}[0].pretrained: does not fit the model: its text_encoder width is 16, not 24; {WORDS}",
        f"{field}[1].pretrained: does not fit the model: it is for a text_encoder_2, and the model has none and its "
        f"text_encoder width is 16, not 24; {WORDS}",
    ]


def test_other_weights_than_textual_inversions_are_reported(saved, mismatches):
    words = [{"pretrained": "@style", "weight_name": lora.WEIGHTS}]
    assert mismatches(SD, "@sd", textual_inversions=words) == [
        "model.textual_inversions[0].pretrained: does not fit the model: it has 76 tensors, unlike a textual "
        f"inversion; {WORDS}"
    ]
