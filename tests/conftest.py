"""What every test may ask for: real peers, started once a session and only when a test wants them."""

pytest_plugins = ["tests.controlplane.fixtures", "tests.servers.fixtures"]
