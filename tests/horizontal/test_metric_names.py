"""Names of metrics on the wire."""

from scaler.horizontal.metric_names import metric_name, spelling


def test_a_name_has_its_position_and_no_character_that_a_path_could_not_hold() -> None:
    assert metric_name(2, "prometheus-http://a.b:9090/(x)%") == "s2-prometheus-http---a-b-9090--x--"


def test_a_name_is_found_in_whatever_case_it_is_asked_for() -> None:
    """The HPA controller asks in lower case for what its HPA spells otherwise."""
    known = {"s0-cron-Asia-Tokyo-0011x": 1, "s1-redis-jobs": 2}
    assert spelling("s0-cron-asia-tokyo-0011x", known) == "s0-cron-Asia-Tokyo-0011x"
    assert spelling("s1-redis-jobs", known) == "s1-redis-jobs"
    assert spelling("s2-nothing", known) == "s2-nothing"
