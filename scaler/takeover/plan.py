"""What must change so that these namespaces are ours and all others are whose they were: a plan, as values. Pure.

The plan follows from what is seen, what was recorded and which namespaces are wanted; so a takeover that was broken
off is resumed by the same plan, less what is done already. What somebody else has changed since we wrote it is his:
it is adopted as the original where we go on asking for ours, and left alone where we only put back.
"""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from scaler.api.meta import Raw
from scaler.errors import Problem
from scaler.kube.resources import CONFIG_MAPS, DEPLOYMENTS, LEASES, Resource
from scaler.takeover import upstream
from scaler.takeover.fields import Field, Place, ReplicasField, key
from scaler.takeover.record import NAME, Backend, Record
from scaler.takeover.upstream import Program, Wish

OUR_METRICS = "scaler-metrics"
VERTICAL = frozenset({"scaler-recommender", "scaler-updater", "scaler-webhook"})
"""Our Deployments that do VPA's work; unless all of them know of takeovers VPA stays in charge of its objects."""
BESIDE = "SCALER_BESIDE_UPSTREAM"
"""The variable by which they know."""


class Seen(msgspec.Struct, frozen=True):
    """The cluster, as far as a takeover goes."""

    home: str
    """Our own namespace."""
    namespaces: tuple[str, ...]
    programs: tuple[Program, ...] = ()
    """KEDA's and VPA's."""
    ours: frozenset[str] = frozenset()
    """Our Deployments that are there."""
    beside: frozenset[str] = frozenset()
    """Those of them that act in taken-over namespaces only."""
    api_service: Raw | None = None
    webhook: Raw | None = None
    """VPA's MutatingWebhookConfiguration."""
    port: int = 443
    """Of our Service of external metrics."""
    authority: str = ""
    """Of our certificates, base64 of PEM."""
    record: Record | None = None

    @property
    def kedas(self) -> list[Program]:
        return [one for one in self.programs if one.part == "keda-operator"]

    @property
    def vpas(self) -> list[Program]:
        """VPA's programs, where we have our own to put in their place."""
        return [one for one in self.programs if one.part != "keda-operator"] if self.beside >= VERTICAL else []

    def body(self, field: Field) -> Raw:
        """The object that the field stands in."""
        if field == upstream.service_field():
            assert self.api_service is not None
            return self.api_service
        if self.webhook is not None and field.place == upstream.selector_field(self.webhook).place:
            return self.webhook
        return next(one.body for one in self.programs if one.place == field.place)


class Change(msgspec.Struct, frozen=True):
    """One setting that is to say something else."""

    field: Field
    now: Any
    to: Any
    restores: bool = False
    """Back to what it was."""


class Plan(msgspec.Struct, frozen=True):
    """Everything to be done, before any of it is."""

    wanted: tuple[str, ...]
    """The namespaces that are ours afterwards."""
    changes: tuple[Change, ...]
    """In their order."""
    record: Record
    """As it must be written before the first change."""
    sizes: bool
    """VPA's work is ours afterwards, too."""
    left: tuple[Change, ...] = ()
    """What should be restored, but was changed by somebody else since: it stays as it is."""

    @property
    def places(self) -> list[Place]:
        """The objects that change, each once, in order."""
        return list(dict.fromkeys(change.field.place for change in self.changes))


def plan(seen: Seen, wanted: Collection[str]) -> Plan:
    """How to get from what is seen to these namespaces being ours."""
    record = seen.record or Record()
    changes: list[Change] = []
    left: list[Change] = []
    originals, written = dict(record.originals), dict(record.written)
    wishes = {key(wish.field): wish for wish in _wishes(seen, record, wanted)} if wanted else {}
    for field in _fields(seen):
        name, now = key(field), field.read(seen.body(field))
        if name in wishes:
            originals[name] = _original(record, field, now)
            written[name] = wishes[name].value
            if now != wishes[name].value:
                changes.append(Change(field, now, wishes[name].value))
        elif name in originals:
            change = Change(field, now, originals[name], restores=True)
            if now != change.to:
                (changes if now == written.get(name) else left).append(change)
    changes.sort(key=lambda change: _order(change, back=not wanted))
    after = msgspec.structs.replace(
        record,
        wanted=tuple(sorted(wanted)),
        served=tuple(one for one in record.served if one in wanted),
        sized=tuple(one for one in record.sized if one in wanted),
        backend=_backend(seen, record) if wanted else record.backend,
        originals=originals,
        written=written,
    )
    return Plan(after.wanted, tuple(changes), after, bool(seen.vpas), tuple(left))


def _order(change: Change, *, back: bool) -> int:
    """KEDA leaves before the API server turns to us, and takes up again after it has turned back."""
    turns = change.field == upstream.service_field()
    return (0 if turns else 1) if back else (1 if turns else 0)


def _fields(seen: Seen) -> Iterator[Field]:
    for program in seen.kedas:
        yield from (upstream.watch_field(program), upstream.patching_field(program), ReplicasField(program.place))
    for program in seen.vpas:
        yield from (upstream.ignored_field(program), ReplicasField(program.place))
    if seen.webhook is not None:
        yield upstream.selector_field(seen.webhook)
    if seen.api_service is not None:
        yield upstream.service_field()


def _wishes(seen: Seen, record: Record, wanted: Collection[str]) -> Iterator[Wish]:
    for program in seen.kedas:
        original = _original_of(seen, record, upstream.watch_field(program))
        yield from upstream.keda_wishes(program, original, wanted, seen.namespaces)
    for program in seen.vpas:
        original = _original_of(seen, record, upstream.ignored_field(program))
        yield from upstream.vpa_wishes(program, original, wanted)
    admission = [one for one in seen.vpas if one.part == "vpa-admission-controller"]
    if seen.webhook is not None and admission and not any(map(upstream.registers_itself, admission)):
        field = upstream.selector_field(seen.webhook)
        yield upstream.selector_wish(seen.webhook, _original_of(seen, record, field), wanted)
    if seen.api_service is not None and seen.kedas:
        yield upstream.service_wish(seen.home, OUR_METRICS, seen.port, seen.authority)


def _original_of(seen: Seen, record: Record, field: Field) -> Any:
    return _original(record, field, field.read(seen.body(field)))


def _original(record: Record, field: Field, now: Any) -> Any:
    name = key(field)
    if name in record.originals and now == record.written.get(name):
        return record.originals[name]
    return now


def _backend(seen: Seen, record: Record) -> Backend | None:
    """Whom reads of other namespaces are forwarded to; once recorded it stays, as the APIService names us then."""
    service = (seen.api_service or {}).get("spec", {}).get("service") or {}
    if not service or (service.get("namespace"), service.get("name")) == (seen.home, OUR_METRICS):
        return record.backend
    spec = (seen.api_service or {})["spec"]
    return Backend(
        namespace=service.get("namespace", ""),
        name=service.get("name", ""),
        port=int(service.get("port") or 443),
        ca_bundle=spec.get("caBundle") or "",
        insecure_skip_tls_verify=bool(spec.get("insecureSkipTLSVerify")),
    )


# -- what stands against it ------------------------------------------------------------------------------------------


def refusals(seen: Seen, namespace: str) -> list[Problem]:
    """Why the namespace cannot be taken over as things are."""
    found = [*_of_namespace(seen, namespace), *_of_upstream(seen), *_of_ours(seen)]
    for program in seen.kedas:
        entry = _original_of(seen, seen.record or Record(), upstream.watch_field(program))
        if entry is not None and "valueFrom" in entry:
            words = "its WATCH_NAMESPACE comes from elsewhere, and cannot be changed here: write its value there"
            found.append(Problem(str(program.place), words))
        if program.version is not None and program.version < upstream.OLDEST_KEDA:
            words = "KEDA takes a list of namespaces from 2.14 on: upgrade it first"
            found.append(Problem(str(program.place), words, ".".join(map(str, program.version))))
    return found


def _of_namespace(seen: Seen, namespace: str) -> list[Problem]:
    if namespace not in seen.namespaces:
        return [Problem(namespace, "there is no such namespace")]
    if namespace == seen.home:
        return [Problem(namespace, "is our own namespace: nothing of users should be scaled in it")]
    return []


def _of_upstream(seen: Seen) -> list[Problem]:
    found = []
    if not seen.kedas and not seen.vpas:
        words = "there is no KEDA to take anything over from: Scaler serves every namespace where none is"
        if seen.programs:
            words = "there is a VPA, but no recommender, updater and webhook of ours that could work beside it"
        found.append(Problem("", words))
    if seen.kedas and seen.api_service is None:
        words = "does not exist: KEDA's metrics server is not installed, so that there is nobody to forward reads to"
        found.append(Problem(f"APIService {upstream.EXTERNAL_METRICS}", words))
    elif seen.kedas and _backend(seen, seen.record or Record()) is None:
        words = (
            "leads to us already, and what it led to before is not recorded: apply KEDA's own APIService again, and "
            "install Scaler with deploy/components/beside-upstream, which leaves it alone"
        )
        found.append(Problem(f"APIService {upstream.EXTERNAL_METRICS}", words))
    return found


def _of_ours(seen: Seen) -> list[Problem]:
    missing = [name for name in ("scaler-operator", OUR_METRICS) if name not in seen.ours]
    remedy = "install Scaler with deploy/components/beside-upstream first, or name its namespace with --pod-namespace"
    return [Problem(f"Deployment {seen.home}/{name}", f"does not exist: {remedy}") for name in missing]


# -- rights ----------------------------------------------------------------------------------------------------------


class Right(msgspec.Struct, frozen=True):
    """One thing that the caller must be allowed to do."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        group = f".{self.resource.group}" if self.resource.group else ""
        what = f"{self.resource.plural}{group}" + (f"/{self.name}" if self.name else "")
        return f"{self.verb} {what}" + (f" in namespace {self.namespace}" if self.namespace else "")


def rights(seen: Seen, planned: Plan) -> list[Right]:
    """What carrying out the plan takes."""
    record = [Right(verb, CONFIG_MAPS, seen.home, NAME) for verb in ("get", "update", "delete")]
    watched = [Right("get", LEASES, seen.home), Right("create", CONFIG_MAPS, seen.home)]
    changed = [
        Right(verb, place.resource, place.namespace, place.name)
        for place in planned.places
        for verb in ("get", "update")
    ]
    return [*record, *watched, *changed]


def looking(home: str) -> list[Right]:
    """What looking takes."""
    return [
        Right("list", DEPLOYMENTS),
        Right("list", Resource("", "v1", "namespaces")),
        Right("get", upstream.service_field().place.resource, "", upstream.EXTERNAL_METRICS),
        Right("get", CONFIG_MAPS, home, NAME),
    ]
