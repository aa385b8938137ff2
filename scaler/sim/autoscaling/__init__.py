"""The HorizontalPodAutoscaler's judgement as Kubernetes makes it: pure, so that a backtest asks a day in a second.

`judgement.judge` takes the autoscaler, its target's scale, the pods and what each metric showed, and gives the number
of replicas with its reasons. Nothing here reads a clock, speaks to a server or knows of KEDA.
Source: the HPA controller of Kubernetes 1.36, with its default feature gates.
"""
