"""One script a claim: each prints what it measured, its last line one JSON object."""
