"""Who somebody is and what they may do, as an aggregated server asks."""

from typing import Any

from tests.conformance.client import Client, path

TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS = "/apis/authorization.k8s.io/v1"


def token_review(token: str) -> dict[str, Any]:
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}


async def new_token(client: Client, namespace: str) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    found = (await client.create(path("serviceaccounts", namespace, "default", "token"), body)).ok()
    assert found["status"]["expirationTimestamp"]
    return found["status"]["token"]


async def test_a_token_of_a_service_account_is_known(client: Client, namespace: str) -> None:
    token = await new_token(client, namespace)
    status = (await client.create(TOKENS, token_review(token))).ok()["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{namespace}:default"
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    assert groups <= set(status["user"]["groups"])


async def test_an_unknown_token_is_nobodys(client: Client) -> None:
    reply = await client.create(TOKENS, token_review("nonsense"))
    assert reply.status == 201
    assert not reply.body["status"].get("authenticated")
    assert reply.body["status"]["error"]


async def test_a_request_with_an_unknown_token_is_refused(client: Client) -> None:
    async with Client(client.url, client.tls, {"Authorization": "Bearer nonsense"}) as stranger:
        reply = await stranger.get("/api/v1/namespaces")
    # Where client certificates are, they speak first.
    assert reply.status == (200 if client.tls else 401)


async def test_no_token_for_an_account_that_is_not_there(client: Client, namespace: str) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    reply = await client.create(path("serviceaccounts", namespace, "none", "token"), body)
    reply.refused(404, "NotFound")


def access_review(kind: str, **spec: Any) -> dict[str, Any]:
    attributes = {"verb": "get", "resource": "pods", "namespace": "default"}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind}
    return {**body, "spec": {"resourceAttributes": attributes, **spec}}


async def test_an_administrator_may(client: Client) -> None:
    body = access_review("SelfSubjectAccessReview")
    assert (await client.create(f"{ACCESS}/selfsubjectaccessreviews", body)).ok()["status"]["allowed"] is True
    body = access_review("SubjectAccessReview", user="somebody", groups=["system:masters"])
    reply = await client.create(f"{ACCESS}/subjectaccessreviews", body)
    assert reply.status == 201
    assert reply.body["status"]["allowed"] is True


async def test_a_stranger_may_not(client: Client) -> None:
    body = access_review("SubjectAccessReview", user="system:anonymous", groups=["system:unauthenticated"])
    assert (await client.create(f"{ACCESS}/subjectaccessreviews", body)).ok()["status"]["allowed"] is False


async def test_the_front_proxy_is_announced(client: Client) -> None:
    found = (await client.get(path("configmaps", "kube-system", "extension-apiserver-authentication"))).ok()["data"]
    assert "BEGIN CERTIFICATE" in found["requestheader-client-ca-file"]
    assert found["requestheader-allowed-names"] == '["front-proxy-client"]'
    assert found["requestheader-username-headers"] == '["X-Remote-User"]'
