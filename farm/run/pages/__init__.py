"""What the pages of a job and of a folder of jobs show."""
