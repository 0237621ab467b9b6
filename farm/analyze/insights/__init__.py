"""What measurements say about a job."""
