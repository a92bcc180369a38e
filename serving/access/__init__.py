"""Who may do what: keys, sessions, roles, scopes, and limits on how much of it."""
