"""Alerts: rules, what they find in a queue, and how the notices reach people."""
