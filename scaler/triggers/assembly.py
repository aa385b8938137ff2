"""From a ScaledObject to its built triggers: authentications and environment are read here, and only if used.

One call for the loops. It never raises for what a user wrote; what the API server does not say is an ApiError.
"""

from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject, TriggerSpec
from scaler.triggers.authentication import Resolved, Workload, resolve
from scaler.triggers.built import BuiltTrigger, build
from scaler.triggers.contract import BuildContext
from scaler.triggers.environment import container_environment
from scaler.triggers.lookup import Access, Reader, World

_NONE_YET: Raw = {}


async def assemble(
    scaled: ScaledObject, world: World, access: Access, timeout: float = 3.0
) -> tuple[BuiltTrigger, ...]:
    """The object's triggers in order. `timeout`: seconds that a source may take unless its trigger says otherwise."""
    assembly = _Assembly(scaled, world, access, timeout)
    return tuple([await assembly.build(index, entry) for index, entry in enumerate(scaled.spec.triggers)])


class _Assembly:
    """The parts that an object's triggers share, read when the first of them needs them."""

    def __init__(self, scaled: ScaledObject, world: World, access: Access, timeout: float) -> None:
        self._scaled = scaled
        self._world = world
        self._access = access
        self._timeout = timeout
        self._read_workload: Workload | None = None
        self._environment: tuple[dict[str, str], tuple[str, ...]] | None = None

    async def build(self, index: int, entry: TriggerSpec) -> BuiltTrigger:
        resolved = await self._authentication(entry)
        uses_env = any(key.endswith("FromEnv") for key in entry.metadata)
        env, notes = await self._env() if uses_env else ({}, ())
        scaled = self._scaled
        context = BuildContext(
            namespace=scaled.metadata.namespace,
            name=scaled.metadata.name,
            index=index,
            auth=resolved.auth,
            env=env,
            identity=resolved.identity,
            timeout=self._timeout,
            as_metric_source=scaled.spec.advanced.scaling_modifiers.used,
            notes=(*resolved.notes, *notes),
            problems=resolved.problems,
            refreshable=uses_env or entry.authentication_ref is not None,
        )
        return build(index, entry, context)

    async def _authentication(self, entry: TriggerSpec) -> Resolved:
        """What the entry's authentication gives; one that is not there gives nothing, as upstream."""
        ref = entry.authentication_ref
        if ref is None or not ref.name:
            return Resolved()
        kind = ref.kind or "TriggerAuthentication"
        namespace = "" if kind == "ClusterTriggerAuthentication" else self._scaled.metadata.namespace
        found = self._world.authentication(kind, namespace, ref.name)
        if found is None:
            return Resolved(notes=(f"there is no {kind} {ref.name}{f' in {namespace}' if namespace else ''}",))
        spec = found.spec
        wants_workload = bool(spec.env) or spec.pod_identity is not None
        workload = await self._workload() if wants_workload else Workload(self._scaled.metadata.namespace)
        return await resolve(found, workload, self._world.lookup, self._access)

    async def _workload(self) -> Workload:
        if self._read_workload is None:
            template = await self._world.pod_template(self._scaled)
            self._read_workload = Workload(
                self._scaled.metadata.namespace,
                None if template is None else template.get("spec") or _NONE_YET,
                self._scaled.spec.scale_target_ref.env_source_container_name,
            )
        return self._read_workload

    async def _env(self) -> tuple[dict[str, str], tuple[str, ...]]:
        if self._environment is None:
            workload = await self._workload()
            reader = Reader(self._world.lookup, self._access)
            if workload.pod_spec is None:
                return {}, ("the target has no pod template, so *FromEnv has nothing to read",)
            env = await container_environment(workload.pod_spec, workload.container, workload.namespace, reader)
            self._environment = env, tuple(reader.notes)
        return self._environment
