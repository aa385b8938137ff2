"""The board over the network: from the leader to every replica that answers reads, and "look again" back.

One lasting connection a replica (a WebSocket over TLS, each side with a certificate of our authority), so that a
replica has every answer before it is asked and a hand-over costs it nothing but freshness.
"""
