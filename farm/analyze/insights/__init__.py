"""Insights into a job from the curves of its frames alone. Pure: no torch, no files."""
