"""`scaler takeover`: shows what a takeover changes, asks, does it, and says how to go on when it is broken off.

What must change is `scaler.takeover.plan`'s business, `scaler.takeover.steps` does it. `scaler rollback` is the same
backwards, and shares everything here.
"""

import asyncio
import sys
from collections.abc import Iterable

import click
import msgspec

from scaler.api.meta import Raw
from scaler.clock import SystemClock
from scaler.errors import ApiError, Invalid, Problem
from scaler.kube.connection import Connection
from scaler.kube.credentials import connect
from scaler.kube.resources import SCALED_JOBS, SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS, VPAS, Resource
from scaler.programs.findings import find
from scaler.programs.manifests import Manifest
from scaler.settings.takeover import TakeoverSettings
from scaler.takeover.plan import Change, Plan, Right, Seen, looking, plan, refusals, rights
from scaler.takeover.record import Record
from scaler.takeover.steps import NotAllowed, NotInTime, Steps, look, missing

FAILED = 3
SHOWN_OBJECTS = 10
"""Problems of objects that are told at most."""


def run(settings: TakeoverSettings, namespace: str) -> int:
    """Take the namespace over; the exit code."""
    return asyncio.run(_Run(settings, namespace, back=False).run())


def run_back(settings: TakeoverSettings, namespace: str) -> int:
    """Give the namespace back; the exit code."""
    return asyncio.run(_Run(settings, namespace, back=True).run())


class Announcement(msgspec.Struct, frozen=True):
    """What is about to happen, as a person or a script is told it."""

    namespace: str
    action: str
    """takeover or rollback; "resume takeover" and "undo takeover" where one was broken off."""
    changes: tuple[Raw, ...]
    notes: tuple[str, ...]


class _Run:
    """One call."""

    def __init__(self, settings: TakeoverSettings, namespace: str, *, back: bool) -> None:
        self._installation = settings.installation
        self._doing = settings.doing
        self._namespace = namespace
        self._back = back

    async def run(self) -> int:
        installation = self._installation
        connection = await connect(installation.kubeconfig or None, installation.context or None)
        async with connection:
            await _demand(connection, looking(installation.pod_namespace))
            seen = await look(connection, installation.pod_namespace, installation.cert_secret_name)
            planned = await self._planned(connection, seen)
            await _demand(connection, rights(seen, planned))
            if not self._told(seen, planned):
                return 0
            return await self._carry_out(connection, seen, planned)

    async def _planned(self, connection: Connection, seen: Seen) -> Plan:
        record = seen.record or Record()
        ours = {*record.wanted, *record.served}
        if self._back:
            if self._namespace not in ours:
                words = f"was not taken over; taken over are: {', '.join(sorted(ours)) or 'none'}"
                raise Invalid([Problem(self._namespace, words)])
            return plan(seen, ours - {self._namespace})
        problems = refusals(seen, self._namespace) or await objects_problems(connection, self._namespace)
        if problems:
            raise Invalid(problems)
        return plan(seen, {*ours, self._namespace})

    def _told(self, seen: Seen, planned: Plan) -> bool:
        """Show the plan; whether it is to be carried out."""
        record = seen.record or Record()
        done = set(planned.wanted) == set(record.served) == set(record.wanted)
        told = announcement(self._namespace, seen, planned, back=self._back)
        if self._doing.output == "json":
            click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        else:
            _show(told)
        if done and not planned.changes:
            click.echo(f"{self._namespace} is ours already: nothing is to be done", err=True)
            return False
        if self._doing.dry_run or self._doing.yes:
            return not self._doing.dry_run
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to ask: say --yes to carry it out, or --dry-run")
        return click.confirm("Do it?", default=False)

    async def _carry_out(self, connection: Connection, seen: Seen, planned: Plan) -> int:
        steps = Steps(connection, SystemClock(), seen, self._installation.leader_election_id, _say)
        try:
            await (steps.give_back(planned) if self._back else steps.take(planned))
        except (ApiError, NotInTime, asyncio.CancelledError) as broken:
            click.echo(f"Error: broken off: {broken or 'interrupted'}", err=True)
            click.echo(_way_on(self._namespace, back=self._back), err=True)
            if isinstance(broken, asyncio.CancelledError):
                raise
            return FAILED
        click.echo(f"{self._namespace} is {'as it was' if self._back else 'ours'}", err=True)
        return 0


def _way_on(namespace: str, *, back: bool) -> str:
    if back:
        return f"What was done is recorded. `scaler rollback {namespace}` goes on where it stopped."
    return (
        f"What was done is recorded. `scaler takeover {namespace}` resumes where it stopped, "
        f"`scaler rollback {namespace}` undoes it."
    )


async def _demand(connection: Connection, needed: Iterable[Right]) -> None:
    lacking = await missing(connection, needed)
    if lacking:
        listed = "".join(f"\n  {right}" for right in lacking)
        raise NotAllowed(f"you lack these rights, and nothing was changed:{listed}")


# -- the objects -----------------------------------------------------------------------------------------------------


async def objects_problems(connection: Connection, namespace: str) -> list[Problem]:
    """What of the namespace's objects we could not serve as they stand."""
    jobs = await _items(connection, SCALED_JOBS, namespace)
    found = [
        Problem(f"scaledjob/{one['metadata']['name']}", "ScaledJobs are not served yet: KEDA must stay for them")
        for one in jobs
    ]
    read = [
        Manifest(resource.plural, _bare(one, resource), {})
        for resource in (SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS)
        for one in await _items(connection, resource, namespace)
    ]
    found += [
        Problem(f"{finding.object} {finding.path}".strip(), finding.message)
        for finding in find(read, namespace).findings
        if finding.severity == "error"
    ]
    if len(found) > SHOWN_OBJECTS:
        more = Problem("", f"and {len(found) - SHOWN_OBJECTS} more: see kubectl get so -o yaml | scaler validate -")
        found = [*found[:SHOWN_OBJECTS], more]
    return found


async def _items(connection: Connection, resource: Resource, namespace: str) -> list[Raw]:
    try:
        return (await connection.listing(resource, namespace, into=Raw)).items
    except ApiError as error:
        if error.status == 404:  # no such definition
            return []
        raise


def _bare(body: Raw, resource: Resource) -> Raw:
    """As a user would have written it."""
    kinds = {SCALED_OBJECTS: "ScaledObject", TRIGGER_AUTHENTICATIONS: "TriggerAuthentication", VPAS: ""}
    meta = {name: value for name, value in body["metadata"].items() if name in _WRITTEN}
    return {"apiVersion": resource.api_version, "kind": kinds[resource], "metadata": meta, "spec": body.get("spec")}


_WRITTEN = frozenset({"name", "namespace", "labels", "annotations"})


# -- telling ---------------------------------------------------------------------------------------------------------


def announcement(namespace: str, seen: Seen, planned: Plan, *, back: bool) -> Announcement:
    """What is about to happen."""
    record = seen.record or Record()
    begun = record.half_done and (namespace in record.wanted) != (namespace in record.served)
    action = "rollback" if back else "takeover"
    if begun:
        taking = namespace in record.wanted
        action = {
            (False, True): "resume takeover",
            (True, True): "undo takeover",
            (True, False): "resume rollback",
            (False, False): "undo rollback",
        }[back, taking]
    changes = tuple(_change(change) for change in planned.changes)
    return Announcement(namespace, action, changes, tuple(_notes(seen, planned, back=back)))


def _change(change: Change) -> Raw:
    return {
        "object": str(change.field.place),
        "field": change.field.title,
        "now": change.field.shown(change.now),
        "to": change.field.shown(change.to),
        "restarts": change.field.restarts,
    }


def _notes(seen: Seen, planned: Plan, *, back: bool) -> list[str]:
    notes = [
        f"{change.field.place}: {change.field.title} was changed by somebody else since and stays as it is: "
        f"it was {change.field.shown(change.to)} before"
        for change in planned.left
    ]
    vpas = [one for one in seen.programs if one.part != "keda-operator"]
    if vpas and not seen.vpas and not back:
        notes.append(
            "VPA stays in charge of its objects: our recommender, updater and webhook are not set up beside it"
        )
    if seen.kedas and planned.wanted:
        notes.append(
            "KEDA serves the namespaces listed; one that is made later is added by running scaler takeover again"
        )
        notes.append("what manages these objects (Helm, Argo CD) may put back what is changed here: tell it to wait")
    return notes


def _show(told: Announcement) -> None:
    click.echo(click.style(f"{told.action.capitalize()} of namespace {told.namespace}", bold=True))
    for number, change in enumerate(told.changes, 1):
        restart = click.style("  (its pods restart)", dim=True) if change["restarts"] else ""
        click.echo(f"\n{number}. {change['object']}{restart}\n   {change['field']}")
        click.echo(click.style(f"   - {change['now']}", fg="red"))
        click.echo(click.style(f"   + {change['to']}", fg="green"))
    if not told.changes:
        click.echo("\nNo setting of anybody else changes.")
    for note in told.notes:
        click.echo(f"\n{click.style('Note:', fg='yellow')} {note}")
    click.echo()


def _say(step: str) -> None:
    click.echo(f"- {step}", err=True)
