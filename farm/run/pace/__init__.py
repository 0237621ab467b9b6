"""Even pacing: a pilot is rendered and measured, and places the frames."""
