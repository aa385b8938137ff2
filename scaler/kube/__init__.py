"""The only room that speaks to Kubernetes."""
