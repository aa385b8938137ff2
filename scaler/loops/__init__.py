"""Observe, judge, tell, act, rest: the loops, over ports, without a rule of their own."""
