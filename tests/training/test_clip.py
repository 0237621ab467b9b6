import torch

from training.clip import CONTEXT, new_tokenizer, true_pairs
from training.scenes import Caption, Scene, all_captions

RED_STAR = Scene(shape="star", colour="red", background="beach", style="neon")
BLUE_STAR = Scene(shape="star", colour="blue", background="sea", style="cartoon")


def test_a_caption_that_is_true_of_two_pictures_is_a_positive_of_both() -> None:
    star = Caption(text="a star", claims=frozenset({"star"}))
    red = Caption(text="something red", claims=frozenset({"red"}))
    assert torch.equal(true_pairs([RED_STAR, BLUE_STAR], [star, red]), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))


def test_every_caption_of_the_world_fits_the_context() -> None:
    tokenizer = new_tokenizer()
    assert max(len(ids) for ids in tokenizer(all_captions()).input_ids) <= CONTEXT


def test_the_words_of_the_world_are_single_tokens() -> None:
    tokens = new_tokenizer().tokenize("a turquoise flower in a snowy landscape, watercolor style")
    assert [token.removesuffix("</w>") for token in tokens] == (
        ["a", "turquoise", "flower", "in", "a", "snowy", "landscape", ",", "watercolor", "style"]
    )


def test_any_text_can_be_encoded_and_decoded() -> None:
    tokenizer = new_tokenizer()
    text = "zwölf boxkämpfer 東京 🙂"
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")
