"""Input pictures: found, described, noted in the job's folder, and held against what was noted."""
