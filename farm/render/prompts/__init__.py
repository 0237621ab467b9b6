"""From prompts to what a pipeline is conditioned on: words, weighted words, pictures, and their mixtures."""
