"""Rules between fields, each told at its place."""
