"""Heights and widths must be multiples of a latent."""

import pytest

from tests.rules.altering import altered


@pytest.mark.parametrize(
    ("stages", "step", "near"), [([8, 8, 8, 8, 16], 16, "16 or 32"), ([8, 8, 8, 8, 8, 16], 32, "32")]
)
def test_a_size_must_be_a_multiple_of_a_latent(stages, step, near, saved, mismatches, tmp_path):
    copy = altered(saved("sd"), tmp_path / "deep", "vae/config.json", block_out_channels=stages)
    assert mismatches("StableDiffusionPipeline", copy, {"height": 24, "width": 3 * step}) == [
        f"render.height: found 24; allowed: a multiple of {step} with deep. Nearest: {near}."
    ]


@pytest.mark.parametrize(
    ("pipeline", "part", "settings", "step"),
    [
        ("StableDiffusion3Pipeline", "transformer", {"patch_size": 16}, 32),
        ("FluxPipeline", "vae", {"block_out_channels": [8, 8, 8, 8, 16]}, 32),
        ("ZImagePipeline", "vae", {"block_out_channels": [8, 8, 8, 8, 16]}, 32),
        ("QwenImagePipeline", "vae", {"temperal_downsample": [True] * 4}, 32),
    ],
)
def test_packed_latents_are_counted_in_squares(pipeline, part, settings, step, saved, mismatches, tmp_path):
    copy = altered(saved(pipeline), tmp_path / "deep", f"{part}/config.json", **settings)
    assert mismatches(pipeline, copy, {"height": 48, "width": 48}) == [
        f"render.{side}: found 48; allowed: a multiple of {step} with deep. Nearest: 32 or 64."
        for side in ("height", "width")
    ]


@pytest.mark.parametrize("binned", [None, True, False])
def test_any_size_is_allowed_with_resolution_binning(binned, mismatches):
    size = {"height": 40, "width": 64, "use_resolution_binning": binned}
    assert mismatches("PixArtSigmaPipeline", "@PixArtSigmaPipeline", size) == (
        []
        if binned is not False
        else [
            "render.height: found 40; allowed: a multiple of 16 with @PixArtSigmaPipeline. Nearest: 32 or 48."
        ]
    )
