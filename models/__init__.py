"""Estimators, the bundle they travel in, and the reasons they give. Code, not artifacts."""
