"""The pages: server-rendered, working without script, with everything they need inside this package."""
