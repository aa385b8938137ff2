"""End to end: the real programs, with the rights of deploy/, on a real control plane with a real HPA controller."""
