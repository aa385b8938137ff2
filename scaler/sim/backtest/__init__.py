"""One workload under one policy in simulated time: what would have happened, and what it would have cost.

`play.play` takes a `scene.Scene` (the workload, its autoscalers as they are written, a load, what nature does) and
the name of a policy, and gives a `run.Run`: time series, events, score. The judgement is the cluster's own, called
directly; the only rules that live here are nature's: how pods use cpu and memory, start, are resized and die.
"""
