"""From checkpoints on disk to a pipeline on a device."""
