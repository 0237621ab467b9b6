"""From a file's text to a checked manifest, every value with its place; and back to text."""
