"""AWS for triggers: one client for each service, region, endpoint and caller, and signatures for plain HTTP.

The client library is imported when the first trigger needs it, in a thread, so that no other poll waits.
Static keys, the default chain (environment, files, container, instance), web identity and assumed roles are its own;
here they are put in upstream's order.
"""

import asyncio
import importlib
import os
from pathlib import Path
from typing import Any

import msgspec

from scaler.errors import Unreadable
from scaler.triggers.aws import AwsCaller
from scaler.triggers.pool import Pool

_SESSION_NAME = "KEDA"
"""As upstream's, so that trust policies which name it go on working."""
_WEB_IDENTITY_BUDGET = 5.0
"""Seconds that web identity may take before the role is assumed by the operator's own identity."""
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 10.0

_LIBRARY = ("aiobotocore.session", "aiobotocore.config", "aiobotocore.credentials", "botocore.auth")

_DESCRIPTIONS = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
"""What the library reads of every service, a quarter of a second of parsing in all."""
_REMEDIES = {
    "QueueDoesNotExist": "see whether queueURL and awsRegion are right",
    "AWS.SimpleQueueService.NonExistentQueue": "see whether queueURL and awsRegion are right",
    "NoSuchBucket": "see whether the bucket's name and region are right",
    "AccessDenied": "let the caller do this in its IAM policy",
    "AccessDeniedException": "let the caller do this in its IAM policy",
    "InvalidClientTokenId": "see whether awsAccessKeyID is right",
    "UnrecognizedClientException": "see whether awsAccessKeyID is right",
    "SignatureDoesNotMatch": "see whether awsSecretAccessKey is right",
    "ExpiredToken": "renew awsSessionToken",
    "RequestExpired": "see whether the clock of this machine is right",
    "Throttling": "ask less often",
    "RequestThrottled": "ask less often",
}


class _ClientKey(msgspec.Struct, frozen=True):
    service: str
    endpoint: str
    caller: AwsCaller


class Aws:
    """Calls AWS. Bound to the loop of its first use."""

    def __init__(self, *, endpoint_url: str = "") -> None:
        self._endpoint_url = endpoint_url
        self._clients: Pool[_ClientKey, Any] = Pool(self._make_client, _close_client)
        self._sessions: Pool[AwsCaller, Any] = Pool(self._make_session, _nothing_to_close)
        self._loader: Any = None
        self._described: set[str] = set()
        self._imported = False

    async def call(
        self, caller: AwsCaller, service: str, endpoint: str, operation: str, place: str, **arguments: Any
    ) -> dict[str, Any]:
        """One call, as ``call(caller, "sqs", "", "get_queue_attributes", ...)``. Raises Unreadable."""
        await self._import_library()
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = await self._clients.get(_ClientKey(service, endpoint or self._endpoint_url, caller))
            answer: dict[str, Any] = await getattr(client, operation)(**arguments)
        except ClientError as error:
            raise Unreadable(_refusal(error.response, place)) from error
        except (BotoCoreError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreadable(f"{place} cannot be reached: {error}") from error
        return answer

    async def signed(self, caller: AwsCaller, service: str, url: str, place: str) -> dict[str, str]:
        """The headers that make a GET of this URL the caller's (Signature Version 4). Raises Unreadable."""
        await self._import_library()
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            session = await self._sessions.get(caller)
            credentials = await session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            request = AWSRequest("GET", url)
            SigV4Auth(await credentials.get_frozen_credentials(), service, caller.region).add_auth(request)
        except ClientError as error:
            raise Unreadable(_refusal(error.response, place)) from error
        except BotoCoreError as error:
            raise Unreadable(f"{place} cannot be asked: {error}") from error
        return dict(request.headers.items())

    async def aclose(self) -> None:
        """Close every client."""
        await self._clients.aclose()
        await self._sessions.aclose()

    async def _import_library(self) -> None:
        """Import it beside the loop: on the loop, every other object's poll would wait for it."""
        if not self._imported:
            for module in _LIBRARY:
                await asyncio.to_thread(importlib.import_module, module)
            self._imported = True

    async def _make_client(self, key: _ClientKey) -> Any:
        from aiobotocore.config import AioConfig

        session = await self._sessions.get(key.caller)
        await self._describe(key.service)
        config = AioConfig(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=50,
            parameter_validation=False,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        creating = session.create_client(
            key.service, region_name=key.caller.region, endpoint_url=key.endpoint or None, config=config
        )
        return await creating.__aenter__()

    async def _describe(self, service: str) -> None:
        """Have the service's description read beside the loop; whoever makes a client then finds it in memory."""
        if service not in self._described:
            await asyncio.to_thread(_read_descriptions, self._loader, service)
            self._described.add(service)

    async def _make_session(self, caller: AwsCaller) -> Any:
        """A session whose credentials are the caller's; all share the service descriptions read from disk."""
        from aiobotocore.session import AioSession

        session = await asyncio.to_thread(AioSession)  # it makes a hundred handlers
        session.set_config_variable("region", caller.region)
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        session.register_component("data_loader", self._loader)
        if caller.role_arn:
            session._credentials = await self._role_credentials(session, caller)  # noqa: SLF001 - its setter takes static keys only
        elif caller.access_key_id:
            session.set_credentials(caller.access_key_id, caller.secret_access_key, caller.session_token or None)
        return session

    async def _role_credentials(self, session: Any, caller: AwsCaller) -> Any:
        """Credentials that renew themselves: by web identity where the pod has one that works, else by AssumeRole."""
        from aiobotocore.credentials import (
            AioAssumeRoleCredentialFetcher,
            AioAssumeRoleWithWebIdentityCredentialFetcher,
            AioDeferredRefreshableCredentials,
        )
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        def create(service: str, **arguments: Any) -> Any:
            endpoint = self._endpoint_url or None
            return session.create_client(service, region_name=caller.region, endpoint_url=endpoint, **arguments)

        name = {"RoleSessionName": _SESSION_NAME}
        token_file = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")
        if token_file:
            web = AioAssumeRoleWithWebIdentityCredentialFetcher(
                create, Path(token_file).read_text, caller.role_arn, extra_args=name
            )
            credentials = AioDeferredRefreshableCredentials(web.fetch_credentials, "assume-role-with-web-identity")
            try:
                async with asyncio.timeout(_WEB_IDENTITY_BUDGET):
                    await credentials.get_frozen_credentials()
            except (BotoCoreError, ClientError, OSError):
                pass  # the role may trust the operator's own identity instead
            else:
                return credentials
        own = await (await self._sessions.get(AwsCaller(caller.region))).get_credentials()
        if own is None:
            raise NoCredentialsError
        external = {"ExternalId": caller.external_id} if caller.external_id else {}
        assume = AioAssumeRoleCredentialFetcher(create, own, caller.role_arn, extra_args=name | external)
        return AioDeferredRefreshableCredentials(assume.fetch_credentials, "assume-role")


def _read_descriptions(loader: Any, service: str) -> None:
    """The loader keeps what it has read."""
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model(service, kind)
    for name in _DESCRIPTIONS:
        loader.load_data(name)


async def _close_client(client: Any) -> None:
    await client.__aexit__(None, None, None)


async def _nothing_to_close(_: Any) -> None:
    """A session holds no connection."""


def _refusal(response: Any, place: str) -> str:
    error = response.get("Error", {})
    code = error.get("Code", "")
    said = ": ".join(filter(None, (str(code), str(error.get("Message", "")))))
    remedy = _REMEDIES.get(code) or _REMEDIES.get(code.rpartition(".")[2])
    return f"{place} refused: {said}{f'; {remedy}' if remedy else ''}"
