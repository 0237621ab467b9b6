"""Checkpoints as files: their location, content and architecture."""
