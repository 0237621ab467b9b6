"""Checkpoints as files: where they lie, what they hold, and what they are made for."""
