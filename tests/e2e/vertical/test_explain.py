"""`scaler explain vpa/NAME`, from what stands in the cluster."""

import json

from tests.e2e.vertical.conftest import MIB, Place


def test_a_recommendation_is_explained_with_its_pods(place: Place) -> None:
    place.deployment(replicas=2)
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa(resourcePolicy={"containerPolicies": [{"containerName": "app", "maxAllowed": {"cpu": "90m"}}]})
    place.until_recommended(cpu=90)
    place.until_checkpoint(2)
    shown = place.installation.scaler("explain", "vpa/web", "-n", place.namespace, check=True).stdout
    assert shown.startswith("web recommends for Deployment web: app 90m cpu by maxAllowed of its policy")
    assert "percentiles 50, 90, 95 of the usage" in shown
    assert "with a margin of 15%" in shown
    assert shown.count("in mode Off running pods are left as they are") == 2
    assert "RecommendationProvided is True" in shown
    told = json.loads(
        place.installation.scaler("explain", "vpa/web", "-n", place.namespace, "-o", "json", check=True).stdout
    )
    cpu = told["containers"][0]["resources"][0]
    assert (cpu["cause"], cpu["uncapped"], cpu["standing"]) == ("maxAllowed", 126, 90)
    assert len(told["pods"]) == 2


def test_what_is_not_there_is_said(place: Place) -> None:
    place.vpa("lost")
    found = place.installation.scaler("explain", "vpa/nobody", "-n", place.namespace)
    assert found.returncode == 1
    assert "no such VerticalPodAutoscaler" in found.stderr
    assert "lost" in found.stderr
    place.until_condition("TargetResolved", "False", "lost")
    shown = place.installation.scaler("explain", "vpa/lost", "-n", place.namespace, check=True).stdout
    assert "recommends nothing for Deployment lost yet" in shown
    assert "Deployment lost does not exist" in shown
