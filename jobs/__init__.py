"""Cluster entry points: each parses, calls the farm, and exits with its code."""
