"""Who calls, and what one is told of others: tokens, TokenReviews, access reviews.

Everyone who is known may do everything; strangers may not. This is a world for trying things, not for keeping
secrets: it listens on the loopback only.
"""

import base64
import secrets
from typing import Any

from scaler.clock import Clock, to_rfc3339
from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.callers import Identity
from scaler.sim.apiserver.store import Object

ADMIN = Identity("system:admin", ("system:masters", "system:authenticated"))
ANONYMOUS = "system:anonymous"
SELF = ("selfsubjectaccessreviews", "selfsubjectreviews")


class Identities:
    """The tokens that are known."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.admin_token = secrets.token_urlsafe(16)
        self._known = {self.admin_token: ADMIN}

    def issue(self, user: str, groups: tuple[str, ...] = ()) -> str:
        """A token for that user; it does not expire."""
        token = f"{_part(user)}.{secrets.token_urlsafe(16)}"
        self._known[token] = Identity(user, (*groups, "system:authenticated"))
        return token

    def service_account_token(self, namespace: str, name: str) -> str:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return self.issue(f"system:serviceaccount:{namespace}:{name}", groups)

    def of(self, authorization: str) -> Identity:
        """Whose request it is; without credentials the administrator's. Raises 401 for an unknown token."""
        if not authorization:
            return ADMIN
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or token not in self._known:
            raise refusals.Refusal(401, "Unauthorized", "Unauthorized")
        return self._known[token]

    def review(self, plural: str, body: Object, user: Identity) -> Object:
        """Answer a TokenReview, an access review or a SelfSubjectReview."""
        if plural == "tokenreviews":
            status = self._token_status(body.get("spec") or {})
        elif plural == "selfsubjectreviews":
            status = {"userInfo": _user_info(user)}
        else:
            status = _access_status(plural, body.get("spec") or {})
        return {**body, "metadata": {"creationTimestamp": None, **(body.get("metadata") or {})}, "status": status}

    def _token_status(self, spec: Object) -> Object:
        known = self._known.get(spec.get("token", ""))
        if known is None:
            return {"user": {}, "error": "[invalid bearer token, unknown token]"}
        audiences = {"audiences": spec["audiences"]} if spec.get("audiences") else {}
        return {"authenticated": True, "user": _user_info(known), **audiences}

    def token_request(self, namespace: str, name: str, body: Object) -> Object:
        """Answer a TokenRequest of a service account."""
        spec: dict[str, Any] = {"expirationSeconds": 3600, **(body.get("spec") or {})}
        status = {
            "token": self.service_account_token(namespace, name),
            "expirationTimestamp": to_rfc3339(self.clock.now() + spec["expirationSeconds"]),
        }
        return {**body, "metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": status}


def _access_status(plural: str, spec: Object) -> Object:
    known = plural in SELF or spec.get("user") not in {None, "", ANONYMOUS}
    return {"allowed": known, **({} if known else {"reason": "who is not known may do nothing"})}


def _user_info(user: Identity) -> Object:
    return {"username": user.name, "uid": user.name, "groups": list(user.groups)}


def _part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
