"""Checkpoints: finding them, reading what they are, loading them with all that stands beside them."""
