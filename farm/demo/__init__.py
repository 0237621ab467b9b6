"""The drawn world, and the training of the checkpoints that the project ships.

A small Stable Diffusion, its ControlNet and LCM-LoRA, a CLIP and a ResNet, made from nothing by
`jobs/train_demo.py`: pictures and captions come from `world` and `captions`, one training per file (`vae`, `clip`,
`resnet`, `unet`, `controlnet`, `lcm`), `stages` runs them in order, `export` writes them in the hub's folder format,
`evaluation`, `controlnet_evaluation` and `lcm_measuring` say how good they are.
"""
