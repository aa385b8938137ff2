"""The paths of printer columns."""

import pytest

from scaler.sim.apiserver.jsonpath import compiled, found

OBJ = {
    "spec": {"a": 1, "list": [{"k": "x", "n": 1}, {"k": "y", "n": 2}], "dotted.name": "d", "on": True},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
}

PATHS = {
    ".spec.a": [1],
    "$.spec.a": [1],
    "{.spec.a}": [1],
    ".spec.list[0].k": ["x"],
    ".spec.list[-1].k": ["y"],
    ".spec.list[*].k": ["x", "y"],
    ".spec['dotted.name']": ["d"],
    r".spec.dotted\.name": ["d"],
    '.status.conditions[?(@.type=="Ready")].status': ["True"],
    ".status.conditions[?(@.type!='Ready')].status": ["False"],
    ".spec.list[?(@.n==2)].k": ["y"],
    ".spec.missing": [],
    ".spec.list[9].k": [],
    ".spec.a.b": [],
    ".": [OBJ],
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_to_its_values(path: str) -> None:
    assert found(path, OBJ) == PATHS[path]


def test_a_path_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match=r"\[\?"):
        compiled(".a[?(@.b)]")
