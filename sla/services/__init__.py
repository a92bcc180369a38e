"""Services: availability, error budgets and what depends on what."""
