"""What the README names is there."""

import re
from pathlib import Path

from scaler.triggers.types import TYPES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_file_that_is_named_exists() -> None:
    named = [name for name in re.findall(r"`([\w./]+(?:\.py|/))`", README) if "<" not in name]
    missing = [name for name in named if not any((ROOT / base / name).exists() for base in ("", "scaler"))]
    assert len(named) > 8
    assert missing == []


def test_every_room_of_the_tree_exists_and_none_is_left_out() -> None:
    tree = README.partition("```\nscaler/\n")[2].partition("crds/")[0]
    rooms = set(re.findall(r"^    (\w+)/ ", tree, re.MULTILINE))
    there = {path.parent.name for path in (ROOT / "scaler").glob("*/__init__.py")} - {"schedule"}
    assert rooms == there


def test_every_trigger_type_is_named() -> None:
    families = {name.removesuffix("-streams").removesuffix("-cluster").removesuffix("-sentinel") for name in TYPES}
    section = README.partition("* Trigger types:")[2].partition("* Not yet")[0]
    assert [name for name in families if name not in section] == []
