"""The reference of the settings: ``python -m scaler.settings.reference docs/settings.md`` writes it.

Made from the declarations that flags and variables come from, so that it cannot differ from them.
"""

import sys
from pathlib import Path

from scaler.settings import knobs
from scaler.settings.backtest import BacktestSettings
from scaler.settings.demo import DemoSettings
from scaler.settings.diff import DiffSettings
from scaler.settings.explain import ExplainSettings
from scaler.settings.knobs import Spelling
from scaler.settings.metrics import MetricsSettings
from scaler.settings.operator import OperatorSettings
from scaler.settings.options import NEEDLESS, NEEDLESS_OF_VPA
from scaler.settings.recommend import RecommendSettings
from scaler.settings.recommender import RecommenderSettings
from scaler.settings.takeover import TakeoverSettings
from scaler.settings.updater import UpdaterSettings
from scaler.settings.validate import ValidateSettings
from scaler.settings.webhook import WebhookSettings

HEADER = """\
<!-- Generated from scaler/settings by `python -m scaler.settings.reference docs/settings.md`. -->
# Settings

Every setting is a flag and an environment variable; the flag wins, then the variable that begins with `SCALER_`,
then one of another name (KEDA's, where it means the same). Durations are written `15s`, `500ms`, `1m30s`, or as a
bare number of seconds, unless said otherwise. An empty variable counts as none.
"""
PROGRAMS = (
    ("scaler operator", OperatorSettings),
    ("scaler metrics", MetricsSettings),
    ("scaler-webhook", WebhookSettings),
    ("scaler recommender", RecommenderSettings),
    ("scaler updater", UpdaterSettings),
    ("scaler explain", ExplainSettings),
    ("scaler recommend", RecommendSettings),
    ("scaler validate", ValidateSettings),
    ("scaler backtest", BacktestSettings),
    ("scaler diff", DiffSettings),
    ("scaler takeover, scaler rollback", TakeoverSettings),
    ("scaler demo", DemoSettings),
)


def reference() -> str:
    """The whole page."""
    return "\n".join([HEADER, *(_program(name, declared) for name, declared in PROGRAMS), _needless()])


def _program(name: str, declared: type) -> str:
    lines = [f"## {name}"]
    section = ""
    for spelling in knobs.spellings(declared):
        if spelling.section != section:
            section = spelling.section
            lines += ["", f"### {section}", "", "| flag | variables | default | meaning |", "|---|---|---|---|"]
        lines.append(_row(spelling))
    return "\n".join(lines) + "\n"


def _row(spelling: Spelling) -> str:
    flag = ", ".join(f"`{name}`" for name in (spelling.flag, spelling.short) if name)
    values = knobs.choices(spelling.type)
    kind = f" ({', '.join(values)})" if values else ""
    variables = [f"`{spelling.variable}`", *(_alias(alias) for alias in spelling.aliases)]
    default = knobs.shown(spelling.type, spelling.default)
    cells = (flag + kind, ", ".join(variables), f"`{default}`" if default else "", spelling.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _alias(alias: knobs.Alias) -> str:
    return f"`{alias.name}`" + (f" (a bare number counts {alias.bare})" if alias.bare else "")


def _needless() -> str:
    needless = [("KEDA", flag, why) for flag, why in NEEDLESS.items()]
    needless += [("VPA", flag, why) for flag, why in NEEDLESS_OF_VPA.items()]
    rows = (f"| `{flag}` | {whose} | {why} |" for whose, flag, why in needless)
    head = ("## Flags of KEDA and VPA without a meaning here\n", "| flag | of | why |", "|---|---|---|")
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
