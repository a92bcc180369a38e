"""The JSON interface under /api/v1: routes, their schemas, and errors as problem details (RFC 9457)."""
