"""An in-process Kubernetes API server over loopback HTTP: storage, watches, validation, discovery, aggregation.

It answers as a kube-apiserver does as far as tests/conformance says; what it does not know it refuses aloud.
"""
