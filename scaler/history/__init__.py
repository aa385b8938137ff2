"""What was: load and usage as they were recorded, and the journal of what the operator saw and decided."""
