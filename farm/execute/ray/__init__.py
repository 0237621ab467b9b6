"""Rendering on Ray, on this machine or on a cluster. Only these modules import ray, and only once they are needed."""
