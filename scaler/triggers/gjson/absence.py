"""What a path gives where nothing stands. JSON's null is a value and not this."""

import enum
from typing import Final


class Missing(enum.Enum):
    """The type of MISSING, so that a type checker can tell it from any JSON value."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
