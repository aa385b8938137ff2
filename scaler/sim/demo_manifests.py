"""What the demo applies: a worker, the queue's credentials, and a ScaledObject as a user of KEDA would write it."""

QUEUE = "work"
PER_POD = 6.0
"""Messages a second that one pod works off."""


def workload(namespace: str, queue_url: str, image: str = "worker") -> str:
    """All of it, YAML. The two annotations are ours; without them it is plain KEDA."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: worker, namespace: {namespace}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: worker}}}}
  template:
    metadata: {{labels: {{app: worker}}}}
    spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: worker, image: "{image}"}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: aws-secrets, namespace: {namespace}}}
stringData: {{AWS_ACCESS_KEY_ID: demo, AWS_SECRET_ACCESS_KEY: demo}}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {{name: aws-credentials, namespace: {namespace}}}
spec:
  secretTargetRef:
    - {{parameter: awsAccessKeyID, name: aws-secrets, key: AWS_ACCESS_KEY_ID}}
    - {{parameter: awsSecretAccessKey, name: aws-secrets, key: AWS_SECRET_ACCESS_KEY}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
  namespace: {namespace}
  annotations:
    kube-scaler.dev/activate-to: demand
    kube-scaler.dev/no-data: strict
spec:
  scaleTargetRef: {{name: worker}}
  pollingInterval: 1
  cooldownPeriod: 5
  minReplicaCount: 0
  maxReplicaCount: 40
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 4
          policies: [{{type: Percent, value: 50, periodSeconds: 2}}]
        scaleUp:
          policies: [{{type: Percent, value: 100, periodSeconds: 2}}, {{type: Pods, value: 4, periodSeconds: 2}}]
          selectPolicy: Max
  triggers:
    - type: aws-sqs-queue
      authenticationRef: {{name: aws-credentials}}
      metadata: {{queueURL: "{queue_url}", queueLength: "20", awsRegion: eu-west-1}}
"""


def namespace(name: str) -> str:
    """Where everything of a demo lives."""
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
"""


def metrics_service(namespace: str, port: int, address: str = "") -> str:
    """The way from the API server to a metrics server on this machine: over the loopback, or by an IP address."""
    if not address:
        return f"""
apiVersion: v1
kind: Service
metadata: {{name: scaler-metrics, namespace: {namespace}}}
spec: {{type: ExternalName, externalName: localhost, ports: [{{port: {port}}}]}}
"""
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: scaler-metrics, namespace: {namespace}}}
spec: {{ports: [{{name: https, port: {port}}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: scaler-metrics
  namespace: {namespace}
  labels: {{kubernetes.io/service-name: scaler-metrics}}
addressType: {"IPv6" if ":" in address else "IPv4"}
ports: [{{name: https, port: {port}}}]
endpoints: [{{addresses: ["{address}"]}}]
"""


def api_services(namespace: str, port: int) -> str:
    """What the API server hands on to it."""
    return "---".join(_api_service(namespace, port, group, version) for group, version in SERVED)


SERVED = (("external.metrics.k8s.io", "v1beta1"), ("explain.kube-scaler.dev", "v1alpha1"))
"""Groups of the metrics server, and their versions."""


def _api_service(namespace: str, port: int, group: str, version: str) -> str:
    return f"""
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: {version}.{group}}}
spec:
  group: {group}
  version: {version}
  groupPriorityMinimum: 100
  versionPriority: 100
  service: {{name: scaler-metrics, namespace: {namespace}, port: {port}}}
"""
