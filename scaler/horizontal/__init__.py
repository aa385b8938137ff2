"""How many replicas: pure judgement from readings to a decision."""
