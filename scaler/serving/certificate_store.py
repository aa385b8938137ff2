"""Where certificates are kept: a Secret that the leader makes and renews, or files of someone else's making.

What they say and when they are due is the business of `scaler.serving.certificates`.
"""

import base64
import binascii
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from scaler.api.meta import Raw
from scaler.clock import Clock
from scaler.errors import ApiError, Invalid, Problem
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.resources import API_SERVICES, EXPLANATIONS, SECRETS
from scaler.serving.certificates import Material, due, renew

log = logging.getLogger("scaler.certificates")

OnMaterial = Callable[[Material], None]
EVERY = 10.0
"""Seconds between two looks at the Secret or the files; a renewed certificate is in use that soon."""
AT_FIRST = 1.0
"""The same while there is no material yet: the programs start side by side."""
APISERVICES = ("v1beta1.external.metrics.k8s.io", f"{EXPLANATIONS.version}.{EXPLANATIONS.group}")
"""What the metrics server stands behind."""

_FIELDS = {"ca.crt": "ca", "ca.key": "ca_key", "tls.crt": "certificate", "tls.key": "key"}


class Place(msgspec.Struct, frozen=True):
    """The Secret that holds the certificates of one installation."""

    namespace: str
    name: str


async def keep_secret(
    connection: Connection, place: Place, names: Sequence[str], clock: Clock, on_material: OnMaterial
) -> None:
    """For the leader, for ever: the Secret holds good material for these names, and `on_material` gets it.

    A Secret that another program writes at the same moment wins; ours is tried again a little later.
    """
    last: list[Material] = []

    async def once() -> None:
        material = await ensure_secret(connection, place, names, clock.now())
        _tell_if_new(material, last, on_material)

    await _for_ever(once, clock, last, f"secret {place.namespace}/{place.name}")


async def keep_in_memory(names: Sequence[str], clock: Clock, on_material: OnMaterial) -> None:
    """For a program that may write no Secret, for ever: material of its own, renewed when it is due."""
    material: Material | None = None
    while True:
        if due(material, names, clock.now()):
            material = renew(material, names, clock.now())
            on_material(material)
        await clock.sleep(EVERY)


async def follow_secret(connection: Connection, place: Place, clock: Clock, on_material: OnMaterial) -> None:
    """For everybody else, for ever: `on_material` gets what the Secret holds, now and after each change."""
    last: list[Material] = []

    async def once() -> None:
        material, _ = await read_secret(connection, place)
        if material is None:
            raise Invalid([Problem(f"secret {place.namespace}/{place.name}", "the leader has not made it yet")])
        _tell_if_new(material, last, on_material)

    await _for_ever(once, clock, last, f"secret {place.namespace}/{place.name}")


class Files(msgspec.Struct, frozen=True):
    """Where someone else puts certificates, PEM."""

    certificate: Path
    key: Path
    ca: Path


async def follow_folder(folder: Path, clock: Clock, on_material: OnMaterial) -> None:
    """For ever: `on_material` gets tls.crt, tls.key and ca.crt of the folder, now and after each change."""
    last: list[Material] = []

    async def once() -> None:
        _tell_if_new(read_folder(folder), last, on_material)

    await _for_ever(once, clock, last, str(folder))


async def follow_files(files: Files, clock: Clock, on_material: OnMaterial) -> None:
    """For ever: `on_material` gets what the files hold, now and after each change."""
    last: list[Material] = []

    async def once() -> None:
        _tell_if_new(read_files(files), last, on_material)

    await _for_ever(once, clock, last, str(files.certificate))


async def ensure_secret(connection: Connection, place: Place, names: Sequence[str], now: float) -> Material:
    """The Secret's material, made or renewed first when it is due; ApiError 409 when someone else wrote meanwhile."""
    material, stored = await read_secret(connection, place)
    why = due(material, names, now)
    if not why:
        assert material is not None  # or it would be due
        return material
    made = renew(material, names, now)
    body = _secret(place, made, stored)
    if stored is None:
        await connection.create(SECRETS, place.namespace, body, into=Ack)
    else:
        await connection.update(SECRETS, place.namespace, place.name, body, into=Ack)
    log.info("made new certificates, because %s", why, extra={"namespace": place.namespace, "name_": place.name})
    return made


async def read_secret(connection: Connection, place: Place) -> tuple[Material | None, Raw | None]:
    """What the Secret holds and the Secret itself; None for what is not there or not complete."""
    try:
        stored: Raw = await connection.get(SECRETS, place.namespace, place.name, into=dict)
    except ApiError as error:
        if error.status == 404:
            return None, None
        raise
    return _material(stored.get("data") or {}), stored


def read_folder(folder: Path) -> Material:
    """The material of a folder; Invalid names the file that is missing or empty."""
    made = read_files(Files(folder / "tls.crt", folder / "tls.key", folder / "ca.crt"))
    with contextlib.suppress(OSError):  # someone else signs
        return msgspec.structs.replace(made, ca_key=(folder / "ca.key").read_bytes())
    return made


def read_files(files: Files) -> Material:
    """What the files hold; Invalid names each that cannot be read."""
    found, problems = {}, []
    for field in ("ca", "certificate", "key"):
        path: Path = getattr(files, field)
        try:
            found[field] = path.read_bytes()
        except OSError as error:
            problems.append(Problem(str(path), f"cannot be read: {error.strerror}"))
    if problems:
        raise Invalid(problems)
    return Material(**found)


async def put_ca_into_apiservice(connection: Connection, service: tuple[str, str], ca: bytes, name: str) -> str:
    """Let the API server trust us: our authorities as the caBundle of the APIService of that name.

    `service` is the namespace and name that it must point at; an APIService of someone else stays as it is.
    Gives what was in the way, for a log line; empty when the bundle is in place.
    """
    try:
        stored: Raw = await connection.get(API_SERVICES, "", name, into=dict)
    except ApiError as error:
        if error.status == 404:
            return f"apiservice {name} does not exist: apply deploy/ to create it"
        raise
    spec: Raw = stored.get("spec") or {}
    points_at = spec.get("service") or {}
    if (points_at.get("namespace"), points_at.get("name")) != service:
        return f"apiservice {name} points at {points_at.get('namespace')}/{points_at.get('name')}, not at us"
    bundle = base64.b64encode(ca).decode()
    if spec.get("caBundle") != bundle:
        change = {"spec": {"caBundle": bundle, "insecureSkipTLSVerify": None}}
        await connection.patch(API_SERVICES, "", name, change, into=Ack)
        log.info("put our authority into apiservice %s", name)
    return ""


async def _for_ever(once: Callable[[], Awaitable[None]], clock: Clock, last: list[Material], what: str) -> None:
    said = ""
    while True:
        try:
            await once()
            said = ""
        except (ApiError, Invalid, ValueError, OSError) as error:  # ssl.SSLError of a bad pair is an OSError
            if str(error) != said:
                log.warning("certificates of %s are not usable now: %s", what, error)
            said = str(error)
        await clock.sleep(EVERY if last else AT_FIRST)


def _tell_if_new(material: Material, last: list[Material], on_material: OnMaterial) -> None:
    if last != [material]:
        on_material(material)
        last[:] = [material]


def _material(data: dict[str, str]) -> Material | None:
    try:
        found = {field: base64.b64decode(data[file]) for file, field in _FIELDS.items() if file in data}
        return Material(**found)
    except (TypeError, binascii.Error):  # incomplete, or not base64
        return None


def _secret(place: Place, material: Material, stored: Raw | None) -> Raw:
    data = {file: base64.b64encode(getattr(material, field)).decode() for file, field in _FIELDS.items()}
    if stored is not None:
        return {**stored, "data": {**(stored.get("data") or {}), **data}}
    metadata = {
        "name": place.name,
        "namespace": place.namespace,
        "labels": {"app.kubernetes.io/part-of": "kube-scaler"},
    }
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
