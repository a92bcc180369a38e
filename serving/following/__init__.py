"""Whether the suggested order is followed, and what it is worth where it is used."""
