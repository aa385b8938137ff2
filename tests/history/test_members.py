"""What is whole in a file is read, whatever happened to the rest."""

import gzip
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scaler.history.members import Damage, lines

MEMBERS = [b"".join(b'{"line": %d, "of": %d}\n' % (line, member) for line in range(40)) for member in range(5)]
FILE = b"".join(gzip.compress(member, mtime=0) for member in MEMBERS)
WHOLE = b"".join(MEMBERS).splitlines()


def read(data: bytes) -> tuple[list[bytes], list[Damage]]:
    found = list(lines(data))
    return [one for one in found if isinstance(one, bytes)], [one for one in found if isinstance(one, Damage)]


def test_all_members_are_read_as_one_text() -> None:
    assert read(FILE) == (WHOLE, [])


def test_a_file_may_be_larger_than_what_is_unpacked_at_a_time() -> None:
    many = [b"%d" % (number * 7919) for number in range(200_000)]
    packed = gzip.compress(b"\n".join(many) + b"\n")
    assert len(packed) > 10 * (1 << 15)
    assert read(packed) == (many, [])


@given(st.integers(0, len(FILE)))
def test_a_file_cut_anywhere_gives_what_is_whole_before_the_cut_and_says_so(at: int) -> None:
    found, damage = read(FILE[:at])
    assert found == WHOLE[: len(found)]
    ends = [0]
    for member in MEMBERS:
        ends.append(ends[-1] + len(gzip.compress(member, mtime=0)))
    assert bool(damage) == (at not in ends)
    assert len(found) >= 40 * sum(1 for end in ends[1:] if end <= at)


def test_what_was_flushed_can_be_read_before_the_member_ends() -> None:
    packing = zlib.compressobj(6, zlib.DEFLATED, 31)
    so_far = packing.compress(MEMBERS[0]) + packing.flush(zlib.Z_SYNC_FLUSH) + packing.compress(MEMBERS[1])
    found, damage = read(so_far)
    assert found == WHOLE[:40]
    assert ["still being written" in one.why for one in damage] == [True]


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
@example(3, 4)  # the head promises an extra field, as long as the rest of the file
def test_a_damaged_byte_costs_its_own_member_only(at: int, flip: int) -> None:
    damaged = bytearray(FILE)
    damaged[at] ^= flip
    found, damage = read(bytes(damaged))
    sizes = [len(gzip.compress(member, mtime=0)) for member in MEMBERS]
    hit = next(index for index in range(5) if at < sum(sizes[: index + 1]))
    kept = {line for index, member in enumerate(MEMBERS) if index != hit for line in member.splitlines()}
    if damage:
        assert kept <= set(found)
    else:  # a byte of the member's head that says nothing of its content: time, system, flags of speed
        assert found == WHOLE


def test_nothing_is_nothing() -> None:
    assert read(b"") == ([], [])


@pytest.mark.parametrize("data", [b"hello", b"\x00" * 100, b'{"kind": "journal"}\n'])
def test_what_was_never_packed_is_damage(data: bytes) -> None:
    found, damage = read(data)
    assert found == []
    assert len(damage) == 1
