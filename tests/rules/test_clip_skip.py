"""Of a text encoder's layers there are as many as are left out."""

import pytest

from tests.rules.altering import altered

SD, XL, SD3 = "StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline"


@pytest.mark.parametrize(
    ("pipeline", "pretrained", "most"), [(SD, "@sd", 3), (XL, "@xl", 2), (SD3, f"@{SD3}", 2)]
)
def test_a_clip_skip_up_to_the_first_layer_is_taken_and_one_more_told(pipeline, pretrained, most, told):
    assert told(pipeline, pretrained, {"clip_skip": most}) == []
    assert told(pipeline, pretrained, {"clip_skip": most + 1}) == [
        f"render.clip_skip: found {most + 1}, and the text_encoder of {pretrained} has 3 layers; "
        f"allowed: 1 to {most}, or null for none."
    ]


def test_the_second_encoder_and_the_refiners_count_too(shelf, told, tmp_path):
    copy = altered(shelf("xl"), tmp_path / "flat", "text_encoder_2/config.json", num_hidden_layers=2)
    assert told(XL, copy, {"clip_skip": 2}) == [
        "render.clip_skip: found 2, and the text_encoder_2 of flat has 2 layers; allowed: 1 to 1, or null for none."
    ]
    handed = {"clip_skip": 2, "denoising_end": 0.8}
    refiner = altered(shelf("refiner"), tmp_path / "low", "text_encoder_2/config.json", num_hidden_layers=2)
    assert told(XL, "@xl", handed, refiner={"pretrained": refiner}) == [
        "render.clip_skip: found 2, and the text_encoder_2 of low has 2 layers; allowed: 1 to 1, or null for none."
    ]
