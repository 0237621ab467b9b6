"""ControlNets must be trained for a UNet of the model's kind."""

from tests.rules.altering import altered

CONTROLLED = "StableDiffusionControlNetPipeline"
A_NET = "needed: a ControlNet trained for this model's UNet."


def test_a_controlnet_for_another_unet_is_reported_at_its_field(mismatches):
    nets = [{"pretrained": "@net"}, {"pretrained": "@net-xl"}]
    assert mismatches(CONTROLLED, "@sd", {"image": ["c.png", "c.png"]}, controlnets=nets) == [
        "model.controlnets[1].pretrained: does not fit the model: its cross_attention_dim is 32, not 16; "
        + A_NET
    ]


def test_a_controlnet_with_other_stages_is_reported(saved, mismatches, tmp_path):
    settings = {
        "block_out_channels": [16, 32, 32],
        "layers_per_block": 2,
        "in_channels": 16,
        "conditioning_embedding_out_channels": [8, 8, 8, 16],
    }
    copy = altered(saved("net"), tmp_path / "other", "config.json", **settings)
    assert mismatches(CONTROLLED, "@sd", {"image": "c.png"}, controlnets=[{"pretrained": copy}]) == [
        "model.controlnets[0].pretrained: does not fit the model: its block_out_channels is (16, 32, 32), not (16, 32) "
        "and its layers_per_block is 2, not 1 and its in_channels is 16, not 4 and its number of pixels per latent is "
        f"8, not 2; {A_NET}"
    ]


def test_a_controlnet_may_omit_attention_like_the_small_ones_of_xl(saved, mismatches, tmp_path):
    settings = {"down_block_types": ["DownBlock2D", "DownBlock2D"]}
    copy = altered(saved("net"), tmp_path / "small", "config.json", **settings)
    assert mismatches(CONTROLLED, "@sd", {"image": "c.png"}, controlnets=[{"pretrained": copy}]) == []


def test_other_models_than_controlnets_are_reported(saved, mismatches, tmp_path):
    copy = altered(saved("net"), tmp_path / "other", "config.json", _class_name="T2IAdapter")
    nets = [{"pretrained": copy}, {"pretrained": "@style"}, {"pretrained": "@sd", "subfolder": "net"}]
    assert mismatches(CONTROLLED, "@sd", {"image": ["c.png"] * 3}, controlnets=nets) == [
        f"model.controlnets[0].pretrained: does not fit the model: it is a T2IAdapter, not a ControlNetModel; {A_NET}",
        "model.controlnets[1].pretrained: there is no config.json in @style; needed: the folder of a ControlNetModel, "
        "with its configuration.",
        "model.controlnets[2].subfolder: there is no config.json in net of @sd; needed: the folder of a "
        "ControlNetModel, with its configuration.",
    ]
