"""Frames rendered again and compared with those in the ledger."""
