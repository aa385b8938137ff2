"""What to request, judged from the past: where nothing of ours runs. It changes nothing."""
