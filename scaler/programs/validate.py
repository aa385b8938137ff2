"""`scaler validate`: reads manifests, and tells what is wrong with them.

Code 0: nothing is. Code 1: something is. What can be wrong is the business of `scaler.programs.findings`.
"""

from typing import Any

import click
import msgspec

from scaler.programs import manifests
from scaler.programs.findings import Finding, Found, find
from scaler.settings.validate import ValidateSettings

WRONG = 1


def run(settings: ValidateSettings, files: tuple[str, ...]) -> int:
    """Judge all files together; the exit code."""
    try:
        named = manifests.found(files)
    except FileNotFoundError as missing:
        raise click.UsageError(str(missing)) from None
    read = [one for name, asked in named for one in manifests.read(name, asked)]
    found = find(read, settings.namespace)
    if settings.output == "text":
        _print(found, len(named))
    else:
        click.echo(_written(found, settings.output), nl=False)
    failed = found.count("error") or (settings.strict and found.count("warning"))
    return WRONG if failed else 0


def _print(found: Found, files: int) -> None:
    for finding in found.findings:
        click.echo(_line(finding))
    click.echo(_summary(found, files), err=True)


def _line(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}"
    severity = click.style(finding.severity, fg="red" if finding.severity == "error" else "yellow", bold=True)
    subject = f"{click.style(finding.object, bold=True)} " if finding.object else ""
    path = f"{finding.path}: " if finding.path else ""
    return f"{place}: {severity}: {subject}{path}{finding.message}"


def _summary(found: Found, files: int) -> str:
    looked = f"{_number(found.objects, 'object')} of KEDA or VPA in {_number(files, 'file')}"
    others = f" ({found.others} of other kinds)" if found.others else ""
    errors, warnings = found.count("error"), found.count("warning")
    if not found.findings:
        return f"{looked}{others}: nothing wrong"
    return f"{looked}{others}: {_number(errors, 'error')}, {_number(warnings, 'warning')}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _written(found: Found, form: str) -> str:
    told: dict[str, Any] = {
        "objects": found.objects,
        "errors": found.count("error"),
        "warnings": found.count("warning"),
        "findings": msgspec.to_builtins(found.findings),
    }
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(told)).decode() + "\n"
    import yaml

    return str(yaml.safe_dump(told, sort_keys=False, width=1000))
