"""Why an object cannot be read, in the words of its definition: the same that `scaler validate` says."""

import msgspec

from scaler.errors import Problem


def why_unread(model: type[msgspec.Struct], found: msgspec.Raw, error: msgspec.ValidationError) -> list[Problem]:
    """Every problem of the object; the one that the decoder stopped at when the definition finds none."""
    from scaler.api import crd, structure  # only for what should not exist

    problems = structure.errors(crd.schema(model), msgspec.json.decode(found))
    if problems:
        return problems
    words, _, path = str(error).partition(" - at `$")
    return [Problem(path.strip("`.") or model.__name__, words)]
