"""What a manifest names on this machine: checkpoints, tokenizers and pictures, read once and without torch."""
