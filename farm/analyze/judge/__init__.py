"""What all frames of a job together say, from their curves alone. Pure: no torch, no files."""
