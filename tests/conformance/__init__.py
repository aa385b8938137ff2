"""One suite for two servers: what the embedded cluster answers is what the real control plane answers."""
