"""Real peers for tests, each on a free port with a folder of its own, ended by SIGKILL.

One file a peer. A new one says which Debian package has its program, how it is called and how one sees that
it answers (`server.Server`), adds a line to `PACKAGES` and a fixture to `fixtures`.
"""

PACKAGES = {"redis-server": "redis-server", "prometheus": "prometheus", "chromium": "chromium"}
"""The Debian package of each program that tests start."""
