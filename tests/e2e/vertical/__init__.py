"""The vertical half end to end: the real programs with the rights of their manifests, usage as a test says."""
