"""Who is asked before a write is carried out: what the server itself knows, and the webhooks of its users."""
