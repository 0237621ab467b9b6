"""The inputs that a manifest names on this machine: checkpoints, tokenizers and pictures, read once without torch."""
