"""The admission door: sizes pods as they are made, and checks what users write. Nothing imports it."""
