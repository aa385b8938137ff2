"""What others read from us over the network: external metrics, the board, health and Prometheus."""
