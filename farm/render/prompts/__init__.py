"""Encodes and mixes prompts: plain, weighted, and image prompts."""
