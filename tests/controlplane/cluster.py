"""What a test may ask of a cluster, whether started here or one that was there before."""

import base64
import itertools
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.absence import unavailable
from tests.controlplane.api import Api, Object, kubeconfig_text
from tests.controlplane.certificates import Pair, key_pem, new_key, signing_request
from tests.processes import temporary_folder, wait_until


class Cluster:
    """A cluster and its administrator's kubeconfig."""

    parts: frozenset[str] = frozenset({"kube-controller-manager", "kube-scheduler", "kwok"})
    """What is at work besides the API server; an existing cluster is taken to have everything."""
    kubectl_command: tuple[str, ...] = ("kubectl",)

    def __init__(self, kubeconfig: Path, folder: Path | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.folder = folder or temporary_folder("scaler-cluster")
        self.api = Api(kubeconfig)
        self._numbers = itertools.count(1)

    def require(self, *parts: str) -> None:
        """Skip or fail the test when one of these parts does not run, as with KUBEBUILDER_ASSETS."""
        missing = sorted(set(parts) - self.parts)
        if missing:
            unavailable(f"this control plane runs without {', '.join(missing)}")

    def apply(self, manifest: str | Path | Object, namespace: str | None = None) -> list[Object]:
        """Server-side apply of YAML text, a file or an object; the objects as stored."""
        return self.api.apply(manifest, namespace)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints; subprocess.CalledProcessError (its stderr as a note) when it fails."""
        command = [*self.kubectl_command, "--kubeconfig", str(self.kubeconfig), *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True)
        except subprocess.CalledProcessError as failure:
            failure.add_note(failure.stderr)
            raise
        return done.stdout

    def client_cert(self, user: str, groups: Sequence[str] = ()) -> Path:
        """The kubeconfig of this user, by a client certificate."""
        pair = self._client_pair(user, groups)
        entry = {
            "client-certificate-data": base64.b64encode(pair.certificate).decode(),
            "client-key-data": base64.b64encode(pair.key).decode(),
        }
        return self._write_kubeconfig(user, entry)

    def _client_pair(self, user: str, groups: Sequence[str]) -> Pair:
        """Asked of the cluster's own signer, as its authority's key is not ours."""
        key = new_key()
        signers = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        request = self.api.create(
            signers,
            {
                "apiVersion": "certificates.k8s.io/v1",
                "kind": "CertificateSigningRequest",
                "metadata": {"generateName": "tests-"},
                "spec": {
                    "request": base64.b64encode(signing_request(user, groups, key)).decode(),
                    "signerName": "kubernetes.io/kube-apiserver-client",
                    "usages": ["client auth"],
                },
            },
        )
        path = f"{signers}/{request['metadata']['name']}"
        approval = {"type": "Approved", "status": "True", "reason": "Tests", "message": "asked for by tests"}
        request["status"] = {"conditions": [approval]}
        self.api.call("PUT", f"{path}/approval", request)
        wait_until(lambda: self.api.get(path)["status"].get("certificate"), f"the certificate of {user}")
        signed = base64.b64decode(self.api.get(path)["status"]["certificate"])
        return Pair(signed, key_pem(key))

    def service_account_kubeconfig(self, namespace: str, name: str, seconds: int = 3600) -> Path:
        """The kubeconfig of this service account (made when missing), by a token of the given life."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        if self.api.found(f"{accounts}/{name}") is None:
            self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, namespace)
        token = self.token(namespace, name, seconds)
        return self._write_kubeconfig(f"{namespace}-{name}", {"token": token}, namespace)

    def token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """A token of the service account, from the TokenRequest API (which takes no less than 600 s)."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        return str(self.api.create(path, body)["status"]["token"])

    def _write_kubeconfig(self, name: str, user: dict[str, str], namespace: str = "default") -> Path:
        safe = "".join(letter if letter.isalnum() else "-" for letter in name)
        path = self.folder / f"{safe}-{next(self._numbers)}.kubeconfig"
        path.write_text(kubeconfig_text(self.api.url, self.api.authority, user, namespace))
        path.chmod(0o600)
        return path

    def register_apiservice(
        self,
        group: str,
        version: str,
        port: int,
        ca_bundle: bytes,
        *,
        service: str | None = None,
        namespace: str = "default",
        wait: bool = True,
    ) -> str:
        """Let the API server forward a group to a port of the loopback; the APIService's name.

        The program there needs a certificate of `ca_bundle` for `service_host(group)` (or for
        `SERVICE.NAMESPACE.svc`), and must be listening when `wait` is on.
        """
        service = service or service_name(group)
        # Another test's Service of this name has another port, and two ports would need names.
        self.api.delete(f"/api/v1/namespaces/{namespace}/services/{service}")
        self.apply(service_to_loopback(service, namespace, port))
        name = f"{version}.{group}"
        self.apply(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": name},
                "spec": {
                    "group": group,
                    "version": version,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "caBundle": base64.b64encode(ca_bundle).decode(),
                    "service": {"name": service, "namespace": namespace, "port": port},
                },
            }
        )
        if wait:
            self.wait_available(name)
        return name

    def wait_available(self, apiservice: str, timeout: float = 60.0) -> None:
        """Until the aggregator reaches the APIService and answers for its group."""
        path = f"/apis/apiregistration.k8s.io/v1/apiservices/{apiservice}"
        version, group = apiservice.split(".", 1)

        def available() -> bool:
            status = self.api.get(path).get("status", {})
            return condition(status, "Available") == "True" and self.api.found(f"/apis/{group}/{version}") is not None

        try:
            wait_until(available, f"APIService {apiservice}", timeout)
        except TimeoutError as late:
            late.add_note(str(self.api.get(path).get("status")))
            raise

    def remove_apiservice(self, group: str, version: str, *, namespace: str = "default") -> None:
        self.api.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.{group}")
        self.api.delete(f"/api/v1/namespaces/{namespace}/services/{service_name(group)}")

    def new_namespace(self, prefix: str = "test") -> str:
        """A namespace of its own for a test, ready for pods."""
        made = self.api.create(
            "/api/v1/namespaces",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"generateName": f"{prefix}-"},
            },
        )
        name = str(made["metadata"]["name"])
        if "kube-controller-manager" in self.parts:
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            wait_until(lambda: self.api.found(account), f"the service account of {name}")
        return name

    def stop(self) -> None:
        """An existing cluster stays as it is."""


def service_name(group: str) -> str:
    return group.replace(".", "-")


def service_host(group: str, namespace: str = "default") -> str:
    """The name that the API server expects in the certificate of an aggregated group's server."""
    return f"{service_name(group)}.{namespace}.svc"


def service_to_loopback(name: str, namespace: str, port: int) -> Object:
    """A Service that leads the API server to a process on its own machine."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }


def condition(status: Any, kind: str) -> str | None:
    """The status of the condition of this type, or None."""
    found = [entry["status"] for entry in status.get("conditions") or [] if entry["type"] == kind]
    return found[0] if found else None
