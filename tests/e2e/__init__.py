"""End to end: the real programs, with the rights of deploy/, on a real control plane with a real HPA controller."""

import pytest

pytest.register_assert_rewrite("tests.e2e.stage")
