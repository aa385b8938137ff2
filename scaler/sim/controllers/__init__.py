"""The controllers that a scaler meets: workloads, the fake kubelet, autoscalers, namespaces, garbage collection.

Each is a reconciler that `loop` runs: told of changes, it brings one object after another to what is wanted.
"""
