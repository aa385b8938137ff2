"""What the operator's Lease says beside who holds it; the operator writes it, the other programs read it."""

from scaler.api.scaledobject import OUR_DOMAIN

BOARD_ADDRESS = f"{OUR_DOMAIN}/board"
"""The annotation with ``host:port`` of the leader's board."""
