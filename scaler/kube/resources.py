"""Where each kind lives on an API server. It names paths and speaks to nobody."""

from urllib.parse import quote

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """One resource of one API group, such as ``Resource("apps", "v1", "deployments")``."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """As manifests write it: ``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, the object or its subresource; every part is escaped."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


PODS = Resource("", "v1", "pods")
SECRETS = Resource("", "v1", "secrets")
CONFIG_MAPS = Resource("", "v1", "configmaps")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
NAMESPACES = Resource("", "v1", "namespaces")
LIMIT_RANGES = Resource("", "v1", "limitranges")
EVENTS = Resource("", "v1", "events")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
DAEMON_SETS = Resource("apps", "v1", "daemonsets")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
REPLICATION_CONTROLLERS = Resource("", "v1", "replicationcontrollers")
JOBS = Resource("batch", "v1", "jobs")
CRON_JOBS = Resource("batch", "v1", "cronjobs")
HPAS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
MUTATING_WEBHOOKS = Resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
SELF_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
SERVICES = Resource("", "v1", "services")
SCALED_JOBS = Resource("keda.sh", "v1alpha1", "scaledjobs")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
MUTATING_WEBHOOKS = Resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
VALIDATING_WEBHOOKS = Resource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")
API_SERVICES = Resource("apiregistration.k8s.io", "v1", "apiservices")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews")
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews")
SCALED_OBJECTS = Resource("keda.sh", "v1alpha1", "scaledobjects")
TRIGGER_AUTHENTICATIONS = Resource("keda.sh", "v1alpha1", "triggerauthentications")
CLUSTER_TRIGGER_AUTHENTICATIONS = Resource("keda.sh", "v1alpha1", "clustertriggerauthentications")
EXPLANATIONS = Resource("explain.kube-scaler.dev", "v1alpha1", "explanations")
VPAS = Resource("autoscaling.k8s.io", "v1", "verticalpodautoscalers")
VPA_CHECKPOINTS = Resource("autoscaling.k8s.io", "v1", "verticalpodautoscalercheckpoints")
