"""The only room that speaks to Kubernetes: it reads the cluster, carries out actions, and holds the Lease."""
