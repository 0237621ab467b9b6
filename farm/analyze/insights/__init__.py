"""What all frames of a job together show, from their curves alone. Pure: no torch, no files."""
