"""Webhook configurations: what the server fills in, and what it refuses of them.

Source: admissionregistration.k8s.io/v1 of Kubernetes 1.36, and a kube-apiserver's words.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from scaler.api import cel
from scaler.api.constraints import shown
from scaler.errors import Problem
from scaler.sim.apiserver import metadata

Object = dict[str, Any]

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
CHOICES = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "reinvocationPolicy": ("IfNeeded", "Never"),
    "sideEffects": ("None", "NoneOnDryRun"),
}
REVIEWS = ("v1", "v1beta1")
LONGEST = 30
"""Seconds that a webhook may take."""


def mutating(obj: Object, now: float) -> None:
    """The defaults of a MutatingWebhookConfiguration, in place."""
    validating(obj, now)
    for webhook in obj.get("webhooks") or ():
        webhook.setdefault("reinvocationPolicy", "Never")


def validating(obj: Object, _: float) -> None:
    """The defaults of a ValidatingWebhookConfiguration, in place."""
    for webhook in obj.get("webhooks") or ():
        given = {key: value for key, value in webhook.items() if value is not None}
        webhook.clear()
        filled = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10}
        webhook.update({**filled, "namespaceSelector": {}, "objectSelector": {}, **given})
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")
        service = (webhook.get("clientConfig") or {}).get("service")
        if isinstance(service, dict):
            service.setdefault("port", 443)


def check(obj: Object, _: Object | None) -> list[Problem]:
    """Either kind of configuration."""
    return list(_problems(obj))


def _problems(obj: Object) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, webhook in enumerate(obj.get("webhooks") or ()):
        path, name = f"webhooks[{index}]", webhook.get("name", "")
        yield from _webhook(webhook, path)
        if name in seen:
            yield Problem(f"{path}.name", f'Duplicate value: "{name}"', name)
        seen.add(name)


def _webhook(webhook: Object, path: str) -> Iterator[Problem]:
    yield from _name(webhook.get("name", ""), f"{path}.name")
    for field, known in CHOICES.items():
        yield from _choice(webhook.get(field), known, f"{path}.{field}", required=field == "sideEffects")
    seconds = webhook["timeoutSeconds"]
    if not 1 <= seconds <= LONGEST:
        said = f"the timeout value must be between 1 and {LONGEST} seconds"
        yield Problem(f"{path}.timeoutSeconds", f"Invalid value: {seconds}: {said}", seconds)
    yield from _versions(webhook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")
    yield from _place(webhook.get("clientConfig") or {}, f"{path}.clientConfig")
    for index, rule in enumerate(webhook.get("rules") or ()):
        yield from _rule(rule, f"{path}.rules[{index}]")
    for index, condition in enumerate(webhook.get("matchConditions") or ()):
        yield from _condition(condition, f"{path}.matchConditions[{index}]")


def _name(name: str, path: str) -> Iterator[Problem]:
    if not name:
        yield Problem(path, "Required value")
    elif metadata.name_problem("subdomain", name):
        yield Problem(path, f'Invalid value: "{name}": {metadata.name_problem("subdomain", name)}', name)
    elif name.count(".") < 2:
        said = "should be a domain with at least three segments separated by dots"
        yield Problem(path, f'Invalid value: "{name}": {said}', name)


def _choice(value: Any, known: tuple[str, ...], path: str, *, required: bool) -> Iterator[Problem]:
    listed = ", ".join(f'"{one}"' for one in known)
    if value is None:
        if required:
            yield Problem(path, f"Required value: must specify one of {', '.join(known)}")
    elif value not in known:
        yield Problem(path, f'Unsupported value: "{value}": supported values: {listed}', value)


def _versions(versions: list[str], path: str) -> Iterator[Problem]:
    if not versions:
        yield Problem(path, f"Required value: must specify one of {', '.join(REVIEWS)}")
    elif not set(versions) & set(REVIEWS):
        said = f"must include at least one of {', '.join(REVIEWS)}"
        yield Problem(path, f"Invalid value: {shown(versions)}: {said}", versions)


def _place(config: Object, path: str) -> Iterator[Problem]:
    url: str | None = config.get("url")
    service: Object | None = config.get("service")
    if (url is None) == (service is None):
        yield Problem(path, "Required value: exactly one of url or service is required")
    elif url is not None:
        parts = urlsplit(url)
        if parts.scheme != "https":
            said = f"'https' is the only allowed URL scheme; desired format: https://host[/path], got {url}"
            yield Problem(f"{path}.url", f'Invalid value: "{parts.scheme}": {said}', url)
        if not parts.hostname:
            yield Problem(f"{path}.url", 'Invalid value: "": host must be specified', url)
    elif service is not None:
        missing = [field for field in ("name", "namespace") if not service.get(field)]
        yield from (
            Problem(f"{path}.service.{field}", f"Required value: service {field} is required") for field in missing
        )


def _rule(rule: Object, path: str) -> Iterator[Problem]:
    operations = rule.get("operations") or []
    if not operations:
        yield Problem(f"{path}.operations", "Required value")
    elif "*" in operations and len(operations) > 1:
        said = "if '*' is present, must not specify other operations"
        yield Problem(f"{path}.operations", f"Invalid value: {shown(operations)}: {said}", operations)
    listed = ", ".join(f'"{one}"' for one in OPERATIONS)
    for index, one in enumerate(operations):
        if one not in OPERATIONS:
            yield Problem(
                f"{path}.operations[{index}]", f'Unsupported value: "{one}": supported values: {listed}', one
            )
    for field in ("apiGroups", "apiVersions", "resources"):
        if not rule.get(field):
            yield Problem(f"{path}.{field}", "Required value")


def _condition(condition: Object, path: str) -> Iterator[Problem]:
    expression = condition.get("expression", "")
    if not condition.get("name"):
        yield Problem(f"{path}.name", "Required value")
    if not expression:
        yield Problem(f"{path}.expression", "Required value")
        return
    try:
        cel.compiled(expression)
    except ValueError as error:
        said = f"compilation failed: {error}"
        yield Problem(f"{path}.expression", f'Invalid value: "{expression}": {said}', expression)
