"""The desk as a model: seeded worlds, a discrete-event desk, dispatch policies."""
