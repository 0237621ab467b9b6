"""What is measured in frames."""
