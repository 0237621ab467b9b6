"""Train the checkpoints that the project ships, from pictures that it draws itself.

A small Stable Diffusion with a ControlNet and an LCM-LoRA, a CLIP and a ResNet, all trained from scratch by
`python -m training`, run from the repository: nothing here is installed, and the farm imports none of it.

`scenes` has the words and captions, `drawing` and `shapes` the pictures, `dataset` sets of pictures. One module trains
one model (`vae`, `clip`, `resnet`, `unet`) or trains and evaluates an addition to the diffusion model (`controlnet`,
`lcm`, `inpainting`). `loop` is the training loop, `stages` the order of everything, `export` the folder format,
`evaluation` and `cards` the figures and the model cards.
"""
