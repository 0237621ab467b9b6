"""Cluster entry points, not installed: each calls the farm and exits with its code."""
