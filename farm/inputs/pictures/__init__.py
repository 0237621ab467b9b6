"""Input pictures: found, read and recorded."""
