"""A world to scale in: an in-process API server, the controllers around it, load, and queues over loopback.

It serves `scaler demo`, development and tests. It is no Kubernetes: nothing runs in its pods.
"""
