"""Takes a namespace over from a live KEDA and VPA and gives it back: what changes where, as values, and the steps."""
