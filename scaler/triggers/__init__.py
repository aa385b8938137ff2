"""Event sources: one file a trigger type, each declared parameters and one number."""
