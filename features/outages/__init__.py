"""Rows of a service and an instant: what was known of the service then, and whether a new outage began soon after."""
