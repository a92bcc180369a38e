"""How good the served estimates are: what they promise of themselves, what came true, and who would have caught more."""
