"""How the server says no: every refusal is a Status with a code, a reason and, for bad objects, its causes.

Source of the words and codes: the apimachinery error helpers, as a kube-apiserver 1.36 answers them.
"""

from collections.abc import Sequence
from typing import Any

from scaler.errors import Problem

CAUSES = {
    "Required value": "FieldValueRequired",
    "Duplicate value": "FieldValueDuplicate",
    "Unsupported value": "FieldValueNotSupported",
    "Forbidden": "FieldValueForbidden",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
    "Not found": "FieldValueNotFound",
    "Internal error": "InternalError",
}


class Refusal(Exception):
    """A call the server does not carry out; `status` is the body of the answer."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": details}),
            "code": code,
        }


def not_found(group: str, plural: str, name: str) -> Refusal:
    details = _details(group, plural, name)
    return Refusal(404, "NotFound", f'{_qualified(plural, group)} "{name}" not found', details)


def no_such_path() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(group: str, plural: str, name: str) -> Refusal:
    message = f'{_qualified(plural, group)} "{name}" already exists'
    return Refusal(409, "AlreadyExists", message, _details(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> Refusal:
    message = f'Operation cannot be fulfilled on {_qualified(plural, group)} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(group, plural, name))


def modified(group: str, plural: str, name: str) -> Refusal:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(group, plural, name, why)


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def forbidden(group: str, plural: str, name: str, why: str, causes: list[dict[str, Any]] | None = None) -> Refusal:
    details = {**_details(group, plural, name), **({"causes": causes} if causes else {})}
    return Refusal(403, "Forbidden", f'{_qualified(plural, group)} "{name}" is forbidden: {why}', details)


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def unsupported_media_type(known: Sequence[str]) -> Refusal:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(known)}"
    return Refusal(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> Refusal:
    message = f"Request entity too large: limit is {limit}"
    return Refusal(413, "RequestEntityTooLarge", message, {})


def internal_error(why: str) -> Refusal:
    message = f"Internal error occurred: {why}"
    return Refusal(500, "InternalError", message, {"causes": [{"message": why}]})


def expired(message: str) -> Refusal:
    return Refusal(410, "Expired", message)


def too_old(wanted: int, oldest: int) -> Refusal:
    return expired(f"too old resource version: {wanted} ({oldest})")


def invalid(group: str, kind: str, name: str, problems: Sequence[Problem]) -> Refusal:
    """422, with a cause for each problem; the message lists them all."""
    said = [f"{problem.path or '<nil>'}: {problem.message}" for problem in problems]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details = {**_details(group, kind, name), "causes": [_cause(problem) for problem in problems]}
    return Refusal(422, "Invalid", f'{_qualified(kind, group)} "{name}" is invalid: {listed}', details)


def _cause(problem: Problem) -> dict[str, Any]:
    beginning = problem.message.split(":", 1)[0]
    reason = CAUSES.get(beginning, "FieldValueInvalid")
    if " must be of type " in problem.message and beginning == "Invalid value":
        reason = "FieldValueTypeInvalid"
    return {"reason": reason, "message": problem.message, "field": problem.path or "<nil>"}


def _qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def _details(group: str, kind: str, name: str) -> dict[str, Any]:
    return {
        **({"name": name} if name else {}),
        **({"group": group} if group else {}),
        **({"kind": kind} if kind else {}),
    }
