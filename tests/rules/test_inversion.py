"""Words are learned with text encoders of the model's kind."""

from tests.checkpoints import lora
from tests.rules.altering import altered

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
WORDS = "needed: an embedding trained with this model's text encoders."


def test_a_learned_word_fits_its_model(told):
    assert told(SD, "@sd", textual_inversions=[{"pretrained": "@doodle"}]) == []
    words = [{"pretrained": "@doodle-xl", "token": "<scrawl>"}, {"pretrained": "@doodle"}]
    assert told(XL, "@xl", textual_inversions=words) == []


def test_a_word_is_learned_once(told):
    words = [{"pretrained": "@doodle-xl", "token": "<doodle>"}, {"pretrained": "@doodle"}]
    assert told(XL, "@xl", textual_inversions=words) == [
        "model.textual_inversions[1].token: <doodle> is defined twice; needed: a unique token for each."
    ]


def test_a_word_that_its_file_does_not_name_is_given(told):
    assert told(XL, "@xl", textual_inversions=[{"pretrained": "@doodle-xl"}]) == [
        "model.textual_inversions[0].token: missing; needed: its token in prompts, such as <cat-toy>, since the "
        "file does not name one."
    ]


def test_a_word_learned_with_other_text_encoders_is_told(shelf, told, tmp_path):
    copy = altered(shelf("sd"), tmp_path / "wide", "text_encoder/config.json", hidden_size=24)
    words = [{"pretrained": "@doodle"}, {"pretrained": "@doodle-xl", "token": "<d>"}]
    place = "model.textual_inversions"
    assert told(SD, copy, textual_inversions=words) == [
        f"{place}[0].pretrained: does not fit the model: its text_encoder width is 16, not 24; {WORDS}",
        f"{place}[1].pretrained: does not fit the model: it is for a text_encoder_2, and the model has none and its "
        f"text_encoder width is 16, not 24; {WORDS}",
    ]


def test_what_is_no_learned_word_is_told(shelf, told):
    words = [{"pretrained": "@style", "weight_name": lora.WEIGHTS}]
    assert told(SD, "@sd", textual_inversions=words) == [
        "model.textual_inversions[0].pretrained: does not fit the model: it has 76 tensors, unlike a textual "
        f"inversion; {WORDS}"
    ]
