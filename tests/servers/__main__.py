"""`python -m tests.servers`: have all programs that tests need here before the tests run."""

import sys

from tests.absence import Absent
from tests.servers import PACKAGES
from tests.servers.debian import program


def main() -> int:
    """Every one is tried; code 1 when one cannot be had."""
    missing = 0
    for name in PACKAGES:
        try:
            print(f"{name}: {program(name).path}")
        except Absent as why:
            missing += 1
            print(f"{name}: {why}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
