"""The triggers of a ScaledObject as a whole: every problem and every remark that shows without asking a source.

`scaler validate` and the admission webhook say the same, because both ask here. What an authentication would give is
taken into account where the authentication is known.
"""

from scaler.api.scaledobject import ScaledObject
from scaler.errors import Problem
from scaler.triggers import built, credentials
from scaler.triggers.credentials import Authentications


def errors(scaled: ScaledObject, authentications: Authentications) -> list[Problem]:
    """What keeps a trigger from being built, each at its path."""
    formula = bool(scaled.spec.advanced.scaling_modifiers.formula)
    found = []
    for index, trigger in enumerate(scaled.spec.triggers):
        auth = credentials.known(trigger, scaled.metadata.namespace, authentications)
        wrong = built.check(index, trigger, as_metric_source=formula, auth=auth)
        found += [problem for problem in wrong if not credentials.about_placeholder(problem)]
    return found


def warnings(scaled: ScaledObject, authentications: Authentications) -> list[Problem]:
    """What works and should not stay so, and authentications of that name that a trigger does not see."""
    return [
        problem
        for index, trigger in enumerate(scaled.spec.triggers)
        for problem in (
            *built.advise(index, trigger),
            *credentials.hints(index, trigger, scaled.metadata.namespace, authentications),
        )
    ]
