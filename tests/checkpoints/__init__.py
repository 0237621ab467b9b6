"""Checkpoints of every family: the real classes in tiny sizes, with random weights and real tokenizers.

Each `save_...(folder)` writes a folder in the format of the hub, with the same bytes every time, and returns it.
"""
