"""What must hold over all scenarios together."""

from tests.e2e.installation import METRICS, OPERATOR, Installation
from tests.e2e.side_by_side import Running, scenario
from tests.e2e.stage import Stage, trigger


def test_nothing_was_forbidden(installation: Installation, side_by_side: Running) -> None:
    """The rights of deploy/ are enough for all that was played."""
    side_by_side.finish()
    refused = {
        (user, event["verb"], event["requestURI"])
        for user in (OPERATOR, METRICS)
        for event in installation.plane.writes(user__username=user, responseStatus__code=403)
        if "being terminated" not in event["responseStatus"].get("message", "")  # there nobody may create anything
    }
    assert refused == set()


def test_no_program_stumbled(installation: Installation, side_by_side: Running) -> None:
    """No traceback, no failure that the programs did not expect, and both still run."""
    side_by_side.finish()
    for program in installation.programs:
        program.process.check()
        odd = [line for line in program.lines() if "text" in line or str(line.get("level")).lower() == "error"]
        assert odd == [], program.name


@scenario
def test_what_is_scaled_is_told_to_prometheus_under_upstreams_names(stage: Stage) -> None:
    stage.deployment()
    stage.scaled_object(trigger(stage.source(value=10), 5, name="load"), pollingInterval=1)
    stage.until_replicas(2)
    page = stage.installation.programs[0].metrics()
    shown = {line.partition("{")[0]: line for line in page.splitlines() if f'namespace="{stage.namespace}"' in line}
    labels = ('metric="s0-metric-api-value"', 'scaledObject="web"', 'scaler="load"', 'triggerIndex="0"')
    for name, value in {"keda_scaler_active": 1, "keda_scaler_metrics_value": 10}.items():
        assert all(label in shown[name] for label in labels), shown[name]
        assert float(shown[name].rpartition(" ")[2]) == value
    assert "keda_scaled_object_paused" in shown
    assert 'keda_trigger_registered_total{type="metrics-api"}' in page
