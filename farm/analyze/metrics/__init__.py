"""What is measured in frames, each with its neighbours: similarity, classes, change, sharpness."""
