"""How every program starts, speaks and ends: event loop, signals, tasks it lives by, logs."""
