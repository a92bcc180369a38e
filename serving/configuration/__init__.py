"""What can be set, by what it is about."""
