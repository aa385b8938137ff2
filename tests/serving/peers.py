"""What the tests of this room talk to: an API server that answers reviews, and certificates of every kind."""

import json
import ssl
from dataclasses import dataclass, field

from aiohttp import web

from scaler.kube.connection import Connection
from tests.controlplane.certificates import Authority, Pair

HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


class ReviewServer:
    """An API server of three answers: the ConfigMap, whose token it is, and who may what."""

    def __init__(self):
        self.config = {}
        self.tokens = {}
        """token -> user status"""
        self.allowed = set()
        """(user, verb, resource or path, namespace)"""
        self.reviews = []
        self.broken = False
        self._runner = None

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", self._map)
        app.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", self._token)
        app.router.add_post("/apis/authorization.k8s.io/v1/subjectaccessreviews", self._access)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.connection = Connection(f"http://127.0.0.1:{port}")
        return self

    async def __aexit__(self, *_):
        await self.connection.close()
        await self._runner.cleanup()

    async def _map(self, _):
        return web.json_response({"kind": "ConfigMap", "data": self.config})

    async def _token(self, request):
        body = await request.json()
        self.reviews.append("token")
        if self.broken:
            return web.json_response({"kind": "Status", "reason": "Broken", "message": "broken"}, status=500)
        user = self.tokens.get(body["spec"]["token"])
        status = {"authenticated": True, "user": user} if user else {"authenticated": False}
        return web.json_response({**body, "status": status}, status=201)

    async def _access(self, request):
        body = await request.json()
        spec = body["spec"]
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if self.broken:
            return web.json_response({"kind": "Status", "reason": "Broken", "message": "broken"}, status=500)
        if resource:
            asked = (spec["user"], resource["verb"], resource["resource"], resource["namespace"])
        else:
            asked = (spec["user"], path["verb"], path["path"], "")
        self.reviews.append((asked, spec))
        return web.json_response({**body, "status": {"allowed": asked in self.allowed}}, status=201)


@dataclass
class Authorities:
    """Everybody who signs certificates in a cluster, and somebody who does not belong to it."""

    proxy: Authority = field(default_factory=lambda: Authority.new("front-proxy"))
    clients: Authority = field(default_factory=lambda: Authority.new("kubernetes"))
    strangers: Authority = field(default_factory=lambda: Authority.new("strangers"))
    serving: Authority = field(default_factory=lambda: Authority.new("serving"))

    def config(self, **changes):
        config = {
            "client-ca-file": self.clients.pem.decode(),
            "requestheader-client-ca-file": self.proxy.pem.decode(),
            "requestheader-allowed-names": json.dumps(["front-proxy-client"]),
            "requestheader-username-headers": json.dumps(["X-Remote-User"]),
            "requestheader-group-headers": json.dumps(["X-Remote-Group"]),
            "requestheader-extra-headers-prefix": json.dumps(["X-Remote-Extra-"]),
        }
        return {**config, **changes}


def client_context(trusted: bytes, folder, pair: Pair | None = None) -> ssl.SSLContext:
    """The TLS of a caller who shows this certificate, or none."""
    context = ssl.create_default_context(cadata=trusted.decode())
    if pair is not None:
        context.load_cert_chain(*pair.write(folder, "client"))
    return context
