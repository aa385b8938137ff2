"""Which webhooks a write concerns: rules, selectors and conditions. Values in, values out.

Source: the matching rules of admission webhooks in Kubernetes 1.36.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from scaler.api import cel
from scaler.api.cel.functions import Failed
from scaler.sim.apiserver import selectors

Object = dict[str, Any]

EXEMPT = "admissionregistration.k8s.io"
"""Configurations are nobody's to guard, or a bad one could never be mended."""


class Asked(msgspec.Struct, frozen=True):
    """What a rule is compared with."""

    group: str
    version: str
    resource: str
    subresource: str
    namespaced: bool


def matches(rules: Iterable[Object], operation: str, asked: Asked) -> bool:
    """Whether one of the rules names this write."""
    return any(_matches(rule, operation, asked) for rule in rules)


def _matches(rule: Object, operation: str, asked: Asked) -> bool:
    return (
        _has(rule["operations"], operation)
        and _has(rule["apiGroups"], asked.group)
        and _has(rule["apiVersions"], asked.version)
        and any(_covers(resource, asked) for resource in rule["resources"])
        and rule.get("scope", "*") in {"*", "Namespaced" if asked.namespaced else "Cluster"}
    )


def _has(names: list[str], name: str) -> bool:
    return "*" in names or name in names


def _covers(wanted: str, asked: Asked) -> bool:
    """``pods`` covers no subresource, ``pods/*`` every one and the pods, ``*`` every resource, ``*/*`` everything."""
    resource, slash, subresource = wanted.partition("/")
    if resource not in {"*", asked.resource}:
        return False
    if not slash:
        return not asked.subresource
    return subresource in {"*", asked.subresource}


def selects(selector: Object | None, labels: Iterable[Mapping[str, str] | None]) -> bool:
    """Whether one of these sets of labels is selected; an empty selector selects everything."""
    if not selector:
        return True
    holds = selectors.from_object(selector)
    return any(holds(dict(one or {})) for one in labels)


class Unjudged(Exception):
    """A condition has no value."""


def fulfilled(conditions: Iterable[Object], variables: Mapping[str, Any]) -> bool:
    """Whether all conditions hold; `Unjudged` when none is false and one cannot be evaluated."""
    problems: list[str] = []
    for truth in _judged(conditions, dict(variables), problems):
        if not truth:
            return False
    if problems:
        raise Unjudged(problems[0])
    return True


def _judged(conditions: Iterable[Object], variables: dict[str, Any], problems: list[str]) -> Iterator[bool]:
    for condition in conditions:
        expression = condition["expression"]
        try:
            yield cel.evaluate(expression, variables) is True
        except Failed as failure:
            problems.append(f"expression '{expression}' resulted in error: {failure}")
