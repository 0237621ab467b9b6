"""Jobs that were rendered: read from their folders alone."""
