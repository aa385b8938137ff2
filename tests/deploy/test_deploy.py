"""The manifests of `deploy/`: they hold together, they fit the settings, and they ask for no right too many."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaler import __version__
from scaler.serving.certificate_store import APISERVICES
from scaler.settings import knobs
from scaler.settings.metrics import MetricsSettings
from scaler.settings.operator import Journal, OperatorSettings
from scaler.settings.recommender import RecommenderSettings
from scaler.settings.shared import Certificates, Cluster, Leader
from scaler.settings.webhook import Liveness, Registration, WebhookCertificates, WebhookSettings
from tests.absence import unavailable
from webhook.registration import BESIDE, JUDGING, SIZING, UPSTREAM_LEASE

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
PARTS = {"operator": OperatorSettings, "metrics": MetricsSettings, "webhook": WebhookSettings}
SERVICES = {"webhook": "vpa-webhook"}
"""Those that are not named like their programs."""


def objects(*files: str) -> list[dict[str, Any]]:
    return [one for file in files for one in yaml.safe_load_all((DEPLOY / file).read_text())]


BASE = objects(*yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"])


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in BASE if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(part: str) -> dict[str, Any]:
    spec: dict[str, Any] = named("Deployment", f"scaler-{part}")["spec"]["template"]["spec"]
    return spec


def rights(kind: str, name: str) -> dict[str, str]:
    """Resource to verbs, with the names that they are limited to."""
    told = {}
    for rule in named(kind, name)["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for limit in [f"[{one}]" for one in rule.get("resourceNames", ())] or [""]:
                    told[f"{group}/{resource}{limit}"] = " ".join(rule["verbs"])
    return told


def test_the_base_is_all_that_lies_there() -> None:
    listed = set(yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"])
    assert listed | {"kustomization.yaml"} == {path.name for path in DEPLOY.glob("*.yaml")}


def test_the_operator_may_in_namespaces_what_it_does_there() -> None:
    assert rights("ClusterRole", "scaler-operator") == {
        "keda.sh/scaledobjects": "get list watch patch",
        "keda.sh/triggerauthentications": "get list watch patch",
        "keda.sh/scaledobjects/status": "patch",
        "keda.sh/triggerauthentications/status": "patch",
        "keda.sh/scaledobjects/finalizers": "update",
        "autoscaling/horizontalpodautoscalers": "get list watch create update delete",
        "autoscaling.k8s.io/verticalpodautoscalers": "list watch",
        "*/*/scale": "get patch",
        "apps/deployments": "get list watch",
        "apps/statefulsets": "get list watch",
        "/pods": "get list watch",
        "discovery.k8s.io/endpointslices": "list",
        "/limitranges": "list",
        "/events": "create patch",
    }


def test_credentials_are_read_one_by_one_and_never_listed() -> None:
    assert rights("ClusterRole", "scaler-operator-credentials") == {
        "/secrets": "get",
        "/configmaps": "get",
        "/serviceaccounts": "get",
    }


def test_of_the_whole_cluster_the_operator_gets_only_what_it_names() -> None:
    assert rights("ClusterRole", "scaler-operator-cluster") == {
        "keda.sh/clustertriggerauthentications": "get list watch patch",
        "keda.sh/clustertriggerauthentications/status": "patch",
        "apiregistration.k8s.io/apiservices[v1beta1.external.metrics.k8s.io]": "get patch",
        "apiregistration.k8s.io/apiservices[v1alpha1.explain.kube-scaler.dev]": "get patch",
        "coordination.k8s.io/leases[operator.keda.sh]": "get",
    }


def test_at_home_each_program_keeps_to_its_lease_and_its_certificates() -> None:
    assert rights("Role", "scaler-operator") == {
        "coordination.k8s.io/leases": "create",
        "coordination.k8s.io/leases[scaler-operator]": "get list watch update patch",
        "/secrets": "create",
        "/secrets[scaler-certificates]": "get update",
        "/configmaps[scaler-takeover]": "get list watch",
    }
    assert rights("Role", "scaler-metrics") == {
        "coordination.k8s.io/leases[scaler-operator]": "get list watch",
        "/secrets[scaler-certificates]": "get",
        "/configmaps[scaler-takeover]": "get list watch",
    }


def test_the_recommender_writes_its_objects_and_checkpoints_and_nothing_else() -> None:
    assert rights("ClusterRole", "scaler-recommender") == {
        "autoscaling.k8s.io/verticalpodautoscalers": "list watch patch",
        "autoscaling/horizontalpodautoscalers": "list watch",
        "autoscaling.k8s.io/verticalpodautoscalers/status": "patch",
        "autoscaling.k8s.io/verticalpodautoscalercheckpoints": "list create patch delete",
        "metrics.k8s.io/pods": "list",
        "/pods": "list watch",
        "/events": "list watch",
        "/nodes": "list",
        "apps/deployments": "get list watch",
        "apps/statefulsets": "get list watch",
        "apps/daemonsets": "get list watch",
        "apps/replicasets": "get list watch",
        "/replicationcontrollers": "get list watch",
        "batch/jobs": "get list watch",
        "batch/cronjobs": "get list watch",
        "*/*/scale": "get",
        "coordination.k8s.io/leases[vpa-recommender-lease]": "get",
        "coordination.k8s.io/leases[vpa-recommender]": "get",
    }
    assert rights("Role", "scaler-recommender") == {
        "coordination.k8s.io/leases": "create",
        "coordination.k8s.io/leases[scaler-recommender]": "get list watch update",
        "/configmaps[scaler-takeover]": "get list watch",
    }


def test_the_recommenders_pod_is_asked_at_its_one_port() -> None:
    spelt = {one.flag: one for one in knobs.spellings(RecommenderSettings)}
    (container,) = pod("recommender")["containers"]
    assert container["ports"] == [
        {"name": "metrics", "containerPort": knobs.split(spelt["--address"].default)[1]},
    ]
    known = {name for one in spelt.values() for name in (one.variable, *(alias.name for alias in one.aliases))}
    assert {variable["name"] for variable in container["env"]} <= known
    assert container["args"] == ["recommender"]
    asked = [container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")]
    assert asked == ["/health-check", "/readyz"]


def test_the_webhook_looks_at_what_it_sizes_by_and_writes_only_its_own_registration() -> None:
    assert rights("ClusterRole", "scaler-webhook") == {
        "autoscaling.k8s.io/verticalpodautoscalers": "list watch",
        "/limitranges": "list watch",
        "apps/daemonsets": "get",
        "apps/deployments": "get",
        "apps/replicasets": "get",
        "apps/statefulsets": "get",
        "batch/jobs": "get",
        "batch/cronjobs": "get",
        "/replicationcontrollers": "get",
        "*/*/scale": "get",
        "keda.sh/scaledobjects": "list watch",
        "autoscaling/horizontalpodautoscalers": "list watch",
        "keda.sh/triggerauthentications": "get",
        "keda.sh/clustertriggerauthentications": "get",
        "admissionregistration.k8s.io/mutatingwebhookconfigurations": "create",
        "admissionregistration.k8s.io/validatingwebhookconfigurations": "create",
        f"admissionregistration.k8s.io/mutatingwebhookconfigurations[{SIZING}]": "get update delete",
        f"admissionregistration.k8s.io/mutatingwebhookconfigurations[{BESIDE}]": "get update delete",
        f"admissionregistration.k8s.io/validatingwebhookconfigurations[{JUDGING}]": "get update delete",
        f"coordination.k8s.io/leases[{UPSTREAM_LEASE}]": "get",
    }
    assert rights("Role", "scaler-webhook") == {
        "coordination.k8s.io/leases": "create",
        f"coordination.k8s.io/leases[{Liveness().status_lease}]": "patch",
        "/secrets": "create",
        f"/secrets[{WebhookCertificates().cert_secret_name}]": "get update",
        "/configmaps[scaler-takeover]": "get list watch",
    }
    service = named("Service", Registration().webhook_service)
    assert Registration().webhook_service_port in [port["port"] for port in service["spec"]["ports"]]


def test_the_hpa_controller_may_read_external_metrics() -> None:
    assert rights("ClusterRole", "scaler-external-metrics-reader") == {"external.metrics.k8s.io/*": "get list"}
    (subject,) = named("ClusterRoleBinding", "scaler-external-metrics-reader")["subjects"]
    assert (subject["namespace"], subject["name"]) == ("kube-system", "horizontal-pod-autoscaler")


def test_who_may_view_a_namespace_may_have_its_objects_explained() -> None:
    assert rights("ClusterRole", "scaler-view") == {
        "keda.sh/scaledobjects": "get list watch",
        "explain.kube-scaler.dev/explanations": "get",
    }
    labels = named("ClusterRole", "scaler-view")["metadata"]["labels"]
    assert labels["rbac.authorization.k8s.io/aggregate-to-view"] == "true"


def test_nobody_may_do_everything() -> None:
    wild = [one["metadata"]["name"] for one in BASE for rule in one.get("rules", ()) if "*" in rule["verbs"]]
    assert wild == []


def test_every_binding_gives_a_role_that_is_there_to_an_account_that_is_there() -> None:
    roles = {(one["kind"], one["metadata"]["name"]) for one in BASE if one["kind"].endswith("Role")}
    of_kubernetes = {("ClusterRole", "system:auth-delegator"), ("Role", "extension-apiserver-authentication-reader")}
    accounts = {one["metadata"]["name"] for one in BASE if one["kind"] == "ServiceAccount"}
    for binding in (one for one in BASE if one["kind"].endswith("Binding")):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles | of_kubernetes
        (subject,) = binding["subjects"]
        assert subject["name"] in accounts | {"horizontal-pod-autoscaler"}


def test_every_role_is_bound_or_a_part_of_a_role_of_kubernetes() -> None:
    bound = {(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in BASE if one["kind"].endswith("Binding")}
    roles = {(one["kind"], one["metadata"]["name"]) for one in BASE if one["kind"].endswith("Role")}
    assert roles - bound == {("ClusterRole", "scaler-view")}


@pytest.mark.parametrize("part", [*PARTS, "recommender"])
def test_a_pod_runs_as_nobody_and_writes_nowhere(part: str) -> None:
    spec = pod(part)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def port_of(default: int | str) -> int:
    """Of a port, or of an address with one."""
    return default if isinstance(default, int) else knobs.split(default)[1]


@pytest.mark.parametrize("part", PARTS)
def test_ports_and_variables_are_those_of_the_settings(part: str) -> None:
    (container,) = pod(part)["containers"]
    spelt = {one.flag: one for one in knobs.spellings(PARTS[part])}
    flags = {
        "operator": {"board": "--metrics-service-bind-address"},
        "metrics": {"https": "--secure-port"},
        "webhook": {"https": "--port", "health": "--address"},
    }[part]
    if part != "webhook":
        flags |= {"metrics": "--metrics-bind-address", "health": "--health-probe-bind-address"}
    ports = {name: port_of(spelt[flag].default) for name, flag in flags.items()}
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == ports
    known = {name for one in spelt.values() for name in (one.variable, *(alias.name for alias in one.aliases))}
    assert {variable["name"] for variable in container["env"]} <= known
    called = (None, [part]) if part != "webhook" else (["python", "-m", "webhook"], None)
    assert (container.get("command"), container.get("args")) == called


@pytest.mark.parametrize("part", PARTS)
def test_probes_ask_the_health_port_of_a_pod_that_its_service_selects(part: str) -> None:
    deployment = named("Deployment", f"scaler-{part}")["spec"]
    (container,) = deployment["template"]["spec"]["containers"]
    asked = [container[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
    assert asked == [{"path": "/healthz", "port": "health"}, {"path": "/readyz", "port": "health"}]
    service = named("Service", SERVICES.get(part, f"scaler-{part}"))["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert {port["targetPort"] for port in service["ports"]} <= {port["name"] for port in container["ports"]}
    assert deployment["replicas"] == 2


def test_names_are_those_that_the_settings_default_to() -> None:
    certificates, leader = Certificates(), Leader()
    assert named("Service", certificates.operator_service_name)
    assert named("Service", certificates.metrics_server_service_name)
    assert f"[{certificates.cert_secret_name}]" in "".join(rights("Role", "scaler-operator"))
    assert f"[{leader.leader_election_id}]" in "".join(rights("Role", "scaler-operator"))
    assert named("Namespace", Cluster().pod_namespace)


@pytest.mark.parametrize("name", APISERVICES)
def test_an_apiservice_points_at_the_metrics_server(name: str) -> None:
    spec = named("APIService", name)["spec"]
    assert f"{spec['version']}.{spec['group']}" == name
    port = spec["service"].pop("port")
    assert spec["service"] == {"name": "scaler-metrics", "namespace": "kube-scaler"}
    assert port in [one["port"] for one in named("Service", "scaler-metrics")["spec"]["ports"]]
    assert (spec["groupPriorityMinimum"], spec["versionPriority"]) == (100, 100)
    assert "insecureSkipTLSVerify" not in spec


def test_the_image_carries_this_version_and_what_it_copies_is_there() -> None:
    (image,) = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["images"]
    assert image == {"name": "kube-scaler", "newTag": __version__}
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = [
        name for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for name in line.split()
    ]
    assert [name for name in copied if not (DEPLOY.parent / name).exists()] == []
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert [name for name in copied if f"!{name}" not in allowed] == []
    assert re.search(r"^USER (?!0)\d+", dockerfile, re.MULTILINE)


def built(component: str, tmp_path: Path) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        unavailable("kubectl is not on the PATH: it builds kustomizations")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    wanted = {"resources": ["deploy"], "components": [f"deploy/components/{component}"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    made = subprocess.run([kubectl, "kustomize", str(tmp_path)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(made.stdout))


def bindings(found: list[dict[str, Any]], role: str) -> list[tuple[str, str]]:
    return [
        (one["kind"], one["metadata"].get("namespace", ""))
        for one in found
        if one["kind"].endswith("Binding") and one["roleRef"]["name"] == role
    ]


def operator_env(found: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = [
        one for one in found if (one["kind"], one["metadata"]["name"]) == ("Deployment", "scaler-operator")
    ]
    return {one["name"]: one.get("value") for one in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}


def test_beside_a_live_keda_its_apiservice_is_left_alone_and_its_server_may_be_asked(tmp_path: Path) -> None:
    found = built("beside-upstream", tmp_path)
    assert operator_env(found)["SCALER_BESIDE_UPSTREAM"] == "true"
    assert [one["spec"]["group"] for one in found if one["kind"] == "APIService"] == ["explain.kube-scaler.dev"]
    readers = [
        one["subjects"][0]["name"]
        for one in found
        if one["kind"] == "ClusterRoleBinding" and one["roleRef"]["name"] == "scaler-external-metrics-reader"
    ]
    assert sorted(readers) == ["horizontal-pod-autoscaler", "scaler-metrics"]


def test_the_journal_has_a_folder_that_holds_what_it_may_grow_to(tmp_path: Path) -> None:
    found = built("journal", tmp_path)
    assert operator_env(found)["SCALER_JOURNAL"] == "/journal"
    (pod,) = [
        one["spec"]["template"]["spec"]
        for one in found
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "scaler-operator")
    ]
    assert {"name": "journal", "mountPath": "/journal"} in pod["containers"][0]["volumeMounts"]
    (volume,) = [one for one in pod["volumes"] if one["name"] == "journal"]
    assert knobs.read(knobs.Size, volume["emptyDir"]["sizeLimit"]) > Journal().journal_size


def test_served_namespaces_are_the_only_ones_with_rights(tmp_path: Path) -> None:
    found = built("namespaced", tmp_path)
    assert operator_env(found)["WATCH_NAMESPACE"] == "default"
    assert bindings(found, "scaler-operator-credentials") == [("RoleBinding", "default")]
    assert sorted(bindings(found, "scaler-operator")) == [("RoleBinding", "default"), ("RoleBinding", "kube-scaler")]


def test_restricted_secrets_are_those_of_the_operators_namespace(tmp_path: Path) -> None:
    found = built("restricted-secrets", tmp_path)
    assert operator_env(found)["KEDA_RESTRICT_SECRET_ACCESS"] == "true"
    assert bindings(found, "scaler-operator-credentials") == [("RoleBinding", "kube-scaler")]


def test_tokens_of_serviceaccounts_are_asked_for_only_with_the_component(tmp_path: Path) -> None:
    assert "serviceaccounts/token" not in str(BASE)
    found = built("bound-tokens", tmp_path)
    assert bindings(found, "scaler-operator-bound-tokens") == [("ClusterRoleBinding", "")]


OWN = {"coordination.k8s.io/leases", "autoscaling.k8s.io/verticalpodautoscalers/status"}
"""What an installation that recommends only may write; checkpoints besides, which are its own, too."""
CHECKPOINTS = "autoscaling.k8s.io/verticalpodautoscalercheckpoints"


def test_recommending_only_leaves_no_right_to_write_but_what_is_its_own(tmp_path: Path) -> None:
    found = built("recommendation-only", tmp_path)
    written = {
        f"{group}/{resource}"
        for one in found
        if one["kind"].endswith("Role")
        for rule in one["rules"]
        if not set(rule["verbs"]) <= {"get", "list", "watch"}
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert written <= OWN | {CHECKPOINTS}
    assert operator_env(found)["SCALER_RECOMMENDATION_ONLY"] == "true"


def test_recommending_only_leaves_the_external_metrics_api_to_whoever_has_it(tmp_path: Path) -> None:
    found = built("recommendation-only", tmp_path)
    (explained,) = [one for one in found if one["kind"] == "APIService"]
    assert explained["spec"]["group"] == "explain.kube-scaler.dev"
    assert explained["spec"]["service"] == {"name": "scaler-operator", "namespace": "kube-scaler", "port": 9666}
    assert [
        one for one in found if "metrics" in one["metadata"]["name"] or "webhook" in one["metadata"]["name"]
    ] == []
    accounts = {one["metadata"]["name"] for one in found if one["kind"] == "ServiceAccount"}
    assert {subject["name"] for one in found for subject in one.get("subjects", ())} <= accounts
