"""Manifests are read as Kubernetes reads them, with the line of every path."""

import io
from pathlib import Path

import pytest

from scaler.programs import manifests
from scaler.programs.manifests import Manifest, Unread, found, parsed, read


def one(text: str) -> Manifest:
    (made,) = parsed(text)
    assert isinstance(made, Manifest), made
    return made


def unread(text: str) -> Unread:
    (made,) = parsed(text)
    assert isinstance(made, Unread), made
    return made


def test_every_path_knows_its_line() -> None:
    made = one("kind: X\nspec:\n  triggers:\n  - type: cron\n    metadata:\n      start: 1 * * * *\n")
    lines = {path: made.line(path) for path in ("kind", "spec.triggers[0].type", "spec.triggers[0].metadata.start")}
    assert lines == {"kind": 1, "spec.triggers[0].type": 4, "spec.triggers[0].metadata.start": 6}


def test_what_is_not_written_stands_on_the_line_of_what_is_around_it() -> None:
    made = one("kind: X\nspec:\n  triggers:\n  - type: cron\n")
    assert made.line("spec.triggers[0].metadata.queueURL") == 4
    assert made.line("spec.scaleTargetRef.name") == 2
    assert made.line("metadata.name") == 1


def test_a_key_with_dots_is_found() -> None:
    made = one("metadata:\n  annotations:\n    autoscaling.keda.sh/paused: x\n")
    assert made.line("metadata.annotations.autoscaling.keda.sh/paused") == 3


def test_documents_are_counted_from_the_top_of_the_file() -> None:
    first, second = parsed("# a\n---\na: 1\n---\n# only a comment\n---\n\nb: 2\n")
    assert isinstance(first, Manifest)
    assert isinstance(second, Manifest)
    assert (first.line("a"), second.line("b")) == (3, 8)


def test_a_list_is_taken_apart_and_its_items_keep_their_lines() -> None:
    first, second = parsed("kind: List\nitems:\n- kind: A\n- kind: BList\n  items:\n  - kind: B\n    x: 1\n")
    assert isinstance(first, Manifest)
    assert isinstance(second, Manifest)
    assert (first.value, first.line("kind")) == ({"kind": "A"}, 3)
    assert (second.prefix, second.line("x"), second.line("y")) == ("items[1].items[0]", 7, 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30:00", "30:00"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("1e3", 1000.0),
        ("010", 8),
        ("0x1F", 31),
        ("-0b101", -5),
        ("1_000", 1000),
        (".5", 0.5),
        ("yes", True),
        ("~", None),
        ("5m", "5m"),
        ('"5"', "5"),
        ("0", 0),
        ("09", 9.0),
    ],
)
def test_scalars_are_what_kubernetes_takes_them_for(text: str, value: object) -> None:
    assert one(f"a: {text}\n").value == {"a": value}


def test_json_may_be_indented_with_tabs() -> None:
    made = one('{\n\t"kind": "X",\n\t"a": [1]\n}\n')
    assert (made.value, made.line("a[0]")) == ({"kind": "X", "a": [1]}, 3)


def test_anchors_and_merges_are_written_out() -> None:
    assert one("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n").value["b"] == {"k": 1, "l": 3}


def test_one_bad_document_hides_no_other() -> None:
    bad, good = parsed("a: [1\n---\nb: 1\n")
    assert isinstance(bad, Unread)
    assert isinstance(good, Manifest)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\tb: 1\n", 2, "YAML is indented with spaces, not tabs"),
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands here a second time, after line 1"),
        ("a: {{ .Values.a }}\n", 1, "render it first"),
        ("a: b: c\n", 1, "not YAML: mapping values are not allowed"),
        ("a: &a [*a]\n", 1, "levels"),
        ("? [x]\n: 1\n", 1, "a key must be a text"),
        ("a: !Ref x\n", 1, "tag '!Ref'"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(text: str, line: int, words: str) -> None:
    made = unread(text)
    assert made.line == line
    assert words in made.message


def test_aliases_that_stand_for_more_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MOST_NODES", 1000)
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 8))
    assert "values" in unread(f"a0: &a0 x\n{levels}").message


def test_a_folder_means_every_manifest_below_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.yml", "a.yaml", "sub/c.json", "notes.txt"):
        (tmp_path / name).write_text("{}")
    names = [str(tmp_path / name) for name in ("a.yaml", "b.yml", "sub/c.json")]
    assert found((str(tmp_path),)) == [(name, False) for name in names]
    assert found((names[0], names[0])) == [(names[0], True)]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nope\.yaml: no such file or folder"):
        found((str(tmp_path / "nope.yaml"),))
    with pytest.raises(FileNotFoundError, match="in this folder"):
        found((str(tmp_path),))


def test_the_standard_input_is_a_file_like_any(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"kind: X\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    (made,) = read("-")
    assert made.file == "<stdin>"


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9\n")
    (made,) = read(str(tmp_path / "latin.yaml"))
    assert isinstance(made, Unread)
    assert (made.line, made.message) == (2, "byte 0xe9 is not UTF-8; save the file as UTF-8")
