"""`clip_skip` is limited by the layers of the text encoders."""

import pytest

from tests.rules.altering import altered

SD, XL, SD3 = "StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline"


@pytest.mark.parametrize(
    ("pipeline", "pretrained", "limit"), [(SD, "@sd", 3), (XL, "@xl", 2), (SD3, f"@{SD3}", 2)]
)
def test_a_clip_skip_up_to_the_first_layer_is_accepted_and_one_more_reported(
    pipeline, pretrained, limit, mismatches
):
    assert mismatches(pipeline, pretrained, {"clip_skip": limit}) == []
    assert mismatches(pipeline, pretrained, {"clip_skip": limit + 1}) == [
        f"render.clip_skip: found {limit + 1}, and the text_encoder of {pretrained} has 3 layers; "
        f"allowed: 1 to {limit}, or null for none."
    ]


def test_the_second_encoder_and_the_refiners_count_too(saved, mismatches, tmp_path):
    copy = altered(saved("xl"), tmp_path / "flat", "text_encoder_2/config.json", num_hidden_layers=2)
    assert mismatches(XL, copy, {"clip_skip": 2}) == [
        "render.clip_skip: found 2, and the text_encoder_2 of flat has 2 layers; allowed: 1 to 1, or null for none."
    ]
    refined = {"clip_skip": 2, "denoising_end": 0.8}
    refiner = altered(saved("refiner"), tmp_path / "low", "text_encoder_2/config.json", num_hidden_layers=2)
    assert mismatches(XL, "@xl", refined, refiner={"pretrained": refiner}) == [
        "render.clip_skip: found 2, and the text_encoder_2 of low has 2 layers; allowed: 1 to 1, or null for none."
    ]
