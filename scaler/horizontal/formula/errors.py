"""What is wrong with a formula, and where."""


class Fault(Exception):
    """A fault at a place, raised by whoever finds it; FormulaError shows it in the whole text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class FormulaError(ValueError):
    """A formula that cannot be read, does not fit together, or fails on the values at hand.

    Its text names the fault, its line and column, and points at it.
    """

    def __init__(self, message: str, position: int, text: str) -> None:
        super().__init__(f"{message}\n{_picture(text, position)}")
        self.message = message
        """What is wrong and what would be right, in one line."""
        self.position = position
        """Where, counted in characters from the beginning of the text."""
        self.text = text
        """The formula as the user wrote it."""


def _picture(text: str, position: int) -> str:
    """Give the faulty line with a caret below it."""
    before = text[:position]
    line_number = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1)
    line = text.split("\n")[line_number - 1].replace("\t", " ")
    # A long line is shown around the fault only.
    begin = max(0, column - 60)
    shown = ("..." if begin else "") + line[begin : begin + 100]
    caret = " " * (column - begin + (3 if begin else 0)) + "^"
    return f"  {shown}\n  {caret} line {line_number}, column {column + 1}"
