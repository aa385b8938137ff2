"""Sources other than a queue and a page: each a real server, from nothing to replicas and back."""

from tests.e2e.side_by_side import scenario
from tests.e2e.stage import Stage
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus
from tests.servers.redis import Redis

QUICK = {"pollingInterval": 2, "cooldownPeriod": 2, "maxReplicaCount": 5}


@scenario
def test_a_redis_list_is_worked_off(stage: Stage) -> None:
    with lend(Redis) as redis:
        stage.deployment()
        metadata = {"address": redis.address, "listName": "jobs", "listLength": "5"}
        stage.scaled_object({"type": "redis", "metadata": metadata}, **QUICK)
        stage.until_ready()
        redis.push("jobs", 12)
        stage.until_replicas(3)
        with redis.client() as client:
            client.delete("jobs")
        stage.until_replicas(0)


@scenario
def test_a_prometheus_query_is_followed_and_its_server_may_go_away(stage: Stage) -> None:
    with lend(Prometheus) as prometheus:
        prometheus.set("waiting", 20, shop="north")
        stage.deployment()
        metadata = {"serverAddress": prometheus.url, "query": 'sum(waiting{shop="north"})', "threshold": "5"}
        stage.scaled_object({"type": "prometheus", "metadata": metadata}, **QUICK)
        stage.until_replicas(4)
        prometheus.kill()
        stage.until_condition("Ready", "False", "TriggerError")
        stage.stays(4, 6)
        prometheus.start()
        prometheus.set("waiting", 5, shop="north")
        stage.until_replicas(1)
        stage.until_ready()


@scenario
def test_pods_of_one_workload_scale_another(stage: Stage) -> None:
    stage.deployment("web", replicas=0)
    stage.deployment("clients", replicas=4)
    metadata = {"podSelector": "app=clients", "value": "2"}
    stage.scaled_object({"type": "kubernetes-workload", "metadata": metadata}, **QUICK)
    stage.until_replicas(2)
    stage.scale("clients", 0)
    stage.until_replicas(0)


@scenario
def test_a_cron_window_holds_its_replicas_while_it_is_open(stage: Stage) -> None:
    """Open when its end comes sooner than its next start: one of the two is the next minute, the other New Year."""
    opens, closes = {"start": "* * * * *", "end": "0 0 1 1 *"}, {"start": "0 0 1 1 *", "end": "* * * * *"}
    always = {"timezone": "Asia/Kathmandu", "desiredReplicas": "3"}
    stage.deployment(replicas=1)
    stage.scaled_object({"type": "cron", "metadata": {**always, **opens}}, **QUICK)
    stage.until_replicas(0)
    stage.change(triggers=[{"type": "cron", "metadata": {**always, **closes}}])
    stage.until_replicas(3)
