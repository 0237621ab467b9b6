"""What is measured in a job's frames, beside their rendering or later."""
