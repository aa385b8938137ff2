"""The trigger types of this build: a name in spec.triggers, and the class that reads it. The list is the registry."""

from typing import Any

from scaler.triggers.aws_sqs_queue import AwsSqsQueue
from scaler.triggers.contract import Trigger
from scaler.triggers.cpu import Cpu
from scaler.triggers.cron import Cron
from scaler.triggers.external import External
from scaler.triggers.kubernetes_workload import KubernetesWorkload
from scaler.triggers.memory import Memory
from scaler.triggers.metrics_api import MetricsApi
from scaler.triggers.prometheus import Prometheus
from scaler.triggers.redis import Redis
from scaler.triggers.redis_cluster import RedisCluster
from scaler.triggers.redis_cluster_streams import RedisClusterStreams
from scaler.triggers.redis_sentinel import RedisSentinel
from scaler.triggers.redis_sentinel_streams import RedisSentinelStreams
from scaler.triggers.redis_streams import RedisStreams

TYPES: dict[str, type[Trigger[Any]]] = {
    "aws-sqs-queue": AwsSqsQueue,
    "cpu": Cpu,
    "cron": Cron,
    "external": External,
    "kubernetes-workload": KubernetesWorkload,
    "memory": Memory,
    "metrics-api": MetricsApi,
    "prometheus": Prometheus,
    "redis": Redis,
    "redis-cluster": RedisCluster,
    "redis-cluster-streams": RedisClusterStreams,
    "redis-sentinel": RedisSentinel,
    "redis-sentinel-streams": RedisSentinelStreams,
    "redis-streams": RedisStreams,
}
