"""A real Kubernetes control plane for tests; README.md says how to use it by hand."""
