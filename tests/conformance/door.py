"""A webhook server on the loopback whose answers a test says, and the configurations that lead to it."""

import asyncio
import base64
import itertools
import time
from collections.abc import Callable
from typing import Any, Self

import msgspec
from aiohttp import web

from tests.conformance.client import Client, path
from tests.conformance.objects import config_map
from tests.controlplane.loopback import Loopback

Object = dict[str, Any]
Answer = Callable[[Object], Object | web.Response]
"""From an AdmissionRequest to the AdmissionResponse without its uid, or to a response of any other kind."""

ROOT = "/apis/admissionregistration.k8s.io/v1"
_numbers = itertools.count(1)


def allow(_: Object) -> Object:
    return {"allowed": True}


def refuse(message: str = "", **status: Any) -> Answer:
    said = {**({"message": message} if message else {}), **status}
    return lambda _: {"allowed": False, **({"status": said} if said else {})}


def patch(*steps: Object, **more: Any) -> Answer:
    """Allow with a JSON patch."""
    encoded = base64.b64encode(msgspec.json.encode(steps)).decode()
    return lambda _: {"allowed": True, "patchType": "JSONPatch", "patch": encoded, **more}


def add(where: str, value: Any) -> Object:
    return {"op": "add", "path": where, "value": value}


def rule(resources: list[str], *operations: str, groups: str = "*", versions: str = "*", **rest: Any) -> Object:
    return {
        "apiGroups": [groups],
        "apiVersions": [versions],
        "resources": resources,
        "operations": list(operations) or ["*"],
        **rest,
    }


class Door:
    """Listens from `with` to its end; one path a webhook."""

    def __init__(self, *hosts: str) -> None:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/{path:.*}", self._answer)
        self._served = Loopback(app, *hosts)
        self._answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, Object]] = []
        """Every AdmissionRequest with the path it came to, in order."""
        self.queries: list[str] = []

    def __enter__(self) -> Self:
        self._served.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._served.__exit__()

    @property
    def port(self) -> int:
        return self._served.port

    @property
    def authority(self) -> str:
        return base64.b64encode(self._served.authority.pem).decode()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        review = await request.json()
        asked, where = review["request"], request.match_info["path"]
        self.seen.append((where, asked))
        self.queries.append(request.query_string)
        said = await asyncio.to_thread(self._answers[where], asked)
        if isinstance(said, web.Response):
            return said
        response = {"uid": asked["uid"], **said}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    def reviews(self, where: str) -> list[Object]:
        """What came to one path."""
        return [asked for at, asked in self.seen if at == where]

    def webhook(self, namespace: str, where: str, answer: Answer, rules: list[Object], **rest: Any) -> Object:
        """A webhook of one namespace that leads to a path here."""
        self._answers[where] = answer
        config = {"url": f"https://127.0.0.1:{self.port}/{where}", "caBundle": self.authority}
        return {
            "name": f"{where.replace('/', '-')}.tests.example",
            "clientConfig": config,
            "rules": rules,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **rest,
        }

    async def install(self, client: Client, namespace: str, kind: str, *webhooks: Object, name: str = "") -> str:
        """A configuration (``Mutating`` or ``Validating``) that is in force; the path of it."""
        probe = f"probe-{next(_numbers)}-{time.monotonic_ns()}"
        marked = {"objectSelector": {"matchLabels": {"probe": probe}}}
        first = self.webhook(namespace, probe, allow, [rule(["configmaps"], "CREATE")], **marked)
        plural = f"{kind.lower()}webhookconfigurations"
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": name or probe},
            "webhooks": [first, *webhooks],
        }
        (await client.create(f"{ROOT}/{plural}", body)).ok()
        async with asyncio.timeout(30):
            while not self.reviews(probe):
                await client.create(
                    path("configmaps", namespace),
                    config_map("", labels={"probe": probe}, generateName="p-"),
                    dryRun="All",
                )
                await asyncio.sleep(0.05)
        return f"{ROOT}/{plural}/{name or probe}"
