"""What a trigger is: declared parameters and one number. All else that a type needs is derived here from these.

A type says its parameters (`scaler.triggers.parameters`), the name of its metric, where it asks, and the number.
Target and activation are read off the parameters' roles; `scaler.triggers.built` makes of it what the loops read:
plans, readings and failures. It decides nothing and opens no connection; those are lent.
"""

import abc
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args

import msgspec

from scaler.api.authentication import PodIdentity
from scaler.api.scaledobject import TriggerSpec
from scaler.errors import Problem
from scaler.horizontal.readings import ResourceSpec
from scaler.triggers.parameters import Parameters, Role, declared, question

if TYPE_CHECKING:
    from scaler.triggers.connections import Connections, Library

P = TypeVar("P", bound=Parameters)


class BuildContext(msgspec.Struct, frozen=True):
    """What a trigger is built from besides its own entry in spec.triggers."""

    namespace: str
    """Of the object that owns the trigger."""
    name: str
    """Of that object."""
    index: int = 0
    """Place in spec.triggers."""
    auth: Mapping[str, str] = {}
    """Parameters that the authentication gave."""
    env: Mapping[str, str] = {}
    """Environment of the target's container."""
    identity: PodIdentity | None = None
    """Whose identity is used instead of secrets."""
    timeout: float = 3.0
    """Seconds that a source may take, unless the trigger says otherwise."""
    as_metric_source: bool = False
    """A formula uses the trigger's value, so that it needs no target of its own."""
    notes: tuple[str, ...] = ()
    """What went wrong when secrets and environment were resolved; told with every failure."""
    problems: tuple[Problem, ...] = ()
    """Why the authentication cannot be used at all."""
    refreshable: bool = False
    """Something came from outside the manifest and may have changed since."""


class MetricOffer(msgspec.Struct, frozen=True):
    """A metric before it is numbered: what the trigger calls it, and its target."""

    name: str
    target: float


class Shown(msgspec.Struct, frozen=True):
    """What one look at a source showed that gives more than one number."""

    values: Mapping[str, float]
    """By the metric's name, as in its `MetricOffer`."""
    active: bool
    """Whether the trigger is active, in the source's own word."""


class Assumed(float):
    """A number that stands for no data, because the parameters say so (ignoreNullValues)."""


class Trigger(abc.ABC, Generic[P]):
    """Base of all types. Subclasses take their parameter class from ``Trigger[TheirParameters]``."""

    parameters_type: ClassVar[type[Parameters]]
    polled: ClassVar[bool] = True
    """False for cpu and memory: the HPA reads them itself."""
    dynamic: ClassVar[bool] = False
    """The source is asked which metrics there are, by `offers`."""
    library: "Library | None" = None
    """What has to be imported before the first look; that does not count against the timeout."""
    open_metadata: ClassVar[bool] = False
    """Unknown keys are no mistake: they are the source's."""

    def __init__(self, parameters: P, entry: TriggerSpec, context: BuildContext) -> None:
        self.parameters = parameters
        self.entry = entry
        self.context = context

    def __init_subclass__(cls) -> None:
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, Parameters):
                    cls.parameters_type = argument

    def problems(self) -> Iterable[Problem]:
        """What is wrong beyond the declaration, at paths as in the parameters or ``metricType``."""
        return ()

    def prepare(self) -> None:
        """Make ready, once, what every look needs; only called where there are no problems."""

    @property
    def resource(self) -> ResourceSpec | None:
        """What the HPA reads itself instead of a metric of ours; cpu and memory only."""
        return None

    @property
    @abc.abstractmethod
    def metric(self) -> str:
        """The metric's name, before its index and before it is normalised."""

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """Where it asks, for a person: no secrets."""

    @property
    def target(self) -> float | None:
        """What one replica should stand for; None when it is not said."""
        value = self._by_role(Role.TARGET)
        return None if value is None else float(value)

    @property
    def activation(self) -> float:
        """Active strictly above it."""
        return float(self._by_role(Role.ACTIVATION) or 0.0)

    @property
    def timeout(self) -> float:
        """Seconds that a look may take."""
        return float(getattr(self.parameters, "timeout", None) or self.context.timeout)

    def source(self) -> Hashable:
        """What is asked of whom, as a value: two triggers with equal ones would hear the same."""
        return question(self.parameters)

    async def offers(self, io: "Connections") -> tuple[MetricOffer, ...]:  # noqa: ARG002 - dynamic types ask
        """The metrics there are. Raises Unreadable."""
        return (MetricOffer(self.metric, self.target or 0.0),)

    async def show(self, io: "Connections") -> Shown | float:
        """Look at the source; a bare number is that of the only metric. Raises Unreadable."""
        return await self.read(io)

    async def read(self, io: "Connections") -> float:
        """The one number. Raises Unreadable; a ValueError counts as an answer that makes no sense."""
        raise NotImplementedError(f"{type(self).__name__} reads nothing")

    def _by_role(self, role: Role) -> Any:
        return next((getattr(self.parameters, field) for field in _fields(type(self.parameters), role)), None)


_roles: dict[tuple[type[Parameters], Role], tuple[str, ...]] = {}


def _fields(cls: type[Parameters], role: Role) -> tuple[str, ...]:
    known = _roles.get((cls, role))
    if known is None:
        known = tuple(parameter.field for parameter in declared(cls) if role in parameter.roles)
        _roles[cls, role] = known
    return known
