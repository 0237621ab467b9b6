"""Pictures that go in: read, prepared, encoded."""
