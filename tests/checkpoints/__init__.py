"""Checkpoints of every family: the real classes in tiny sizes, with random weights and real tokenizers.

Each `save_...(folder)` writes a folder as it stands on the hub, with the same bytes every time, and returns it.
"""
