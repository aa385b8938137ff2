"""Both axes on one workload: the only judgement that sees replicas and requests at once."""
