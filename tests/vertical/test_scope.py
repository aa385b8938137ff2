"""Which namespaces are left alone."""

from scaler.vertical.scope import Scope, scope_of


def test_our_own_namespace_is_left_alone_and_kube_system_when_asked() -> None:
    scope = scope_of("scaler", "", ("bank",), ignore_kube_system=False)
    assert [scope.covers(name) for name in ("scaler", "bank", "kube-system", "shop")] == [False, False, True, True]
    assert not scope_of("scaler", "", (), ignore_kube_system=True).covers("kube-system")


def test_one_namespace_alone_leaves_all_others_alone() -> None:
    scope = scope_of("scaler", "shop", (), ignore_kube_system=False)
    assert [scope.covers(name) for name in ("shop", "mail")] == [True, False]


def test_beside_a_live_vpa_only_what_was_taken_over_is_ours() -> None:
    scope = scope_of("scaler", "", (), ignore_kube_system=False, taken=frozenset({"shop", "scaler"}))
    assert [scope.covers(name) for name in ("shop", "mail", "scaler")] == [True, False, False]


def test_without_a_namespace_of_ours_nothing_is_ignored_for_it() -> None:
    assert scope_of("", "", ("",), ignore_kube_system=False) == Scope()
