"""Personal data is locked with keys that can be changed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import Invalid
from core.vault import Unreadable, Vault, find_vault, new_key, open_vault

ROOT = Path(__file__).parents[2]
OLD, NEW = new_key(), new_key()
TOLD = "张伟 13800138000"
MARK = "9c12494b8b1dcccb07937a74d6f836ee577173a552e051da1f18734c560a49dc"


@pytest.mark.parametrize("text", [TOLD, "", "𠮷·'\"\n\x00", "长" * 10_000])
def test_what_is_locked_opens_again_as_it_was(text: str) -> None:
    vault = Vault([OLD])
    assert vault.unlock(vault.lock(text)) == text


def test_what_is_locked_shows_nothing_of_itself_not_even_that_it_is_the_same() -> None:
    vault = Vault([OLD])
    once, again = vault.lock(TOLD), vault.lock(TOLD)
    assert once != again
    assert "13800138000" not in once


def test_what_was_tampered_with_does_not_open() -> None:
    vault = Vault([OLD])
    locked = vault.lock(TOLD)
    for place in range(0, len(locked) - 2, 7):  # the last characters before the padding carry unused bits
        other = "A" if locked[place] != "A" else "B"
        with pytest.raises(Unreadable):
            vault.unlock(locked[:place] + other + locked[place + 1 :])


@pytest.mark.parametrize("never_locked", ["", "x", "张伟", "gAAAAA", "A" * 200, "=" * 8])
def test_what_was_never_locked_does_not_open(never_locked: str) -> None:
    for opened in (Vault([OLD]).unlock, Vault([OLD]).relock):
        with pytest.raises(Unreadable, match="检查密钥"):
            opened(never_locked)


def test_without_its_key_nothing_opens() -> None:
    with pytest.raises(Unreadable):
        Vault([NEW]).unlock(Vault([OLD]).lock(TOLD))


# -- changing keys --


def test_the_first_key_locks_and_all_of_them_unlock() -> None:
    both = Vault([NEW, OLD])
    assert both.unlock(Vault([OLD]).lock(TOLD)) == TOLD
    assert Vault([NEW]).unlock(both.lock(TOLD)) == TOLD
    with pytest.raises(Unreadable):
        Vault([OLD]).unlock(both.lock(TOLD))


def test_what_was_relocked_needs_the_old_key_no_more() -> None:
    relocked = Vault([NEW, OLD]).relock(Vault([OLD]).lock(TOLD))
    assert Vault([NEW]).unlock(relocked) == TOLD
    with pytest.raises(Unreadable):
        Vault([OLD]).unlock(relocked)


# -- marks --


def test_a_mark_is_the_same_at_every_start_and_another_under_another_key() -> None:
    assert Vault([OLD]).marks("13800138000") == Vault([OLD]).marks("13800138000")
    assert Vault([OLD]).marks("13800138000") != Vault([NEW]).marks("13800138000")
    assert Vault([OLD]).marks("13800138000") != Vault([OLD]).marks("13800138001")


def test_marks_come_for_each_key_the_first_keys_first() -> None:
    assert Vault([NEW, OLD]).marks("x") == (*Vault([NEW]).marks("x"), *Vault([OLD]).marks("x"))


def test_a_mark_never_changes_between_versions() -> None:
    # Stored in every deployment: computed otherwise, limits per person would forget everybody.
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    assert Vault([key]).marks("13800138000") == (MARK,)


# -- the keys themselves --


@pytest.mark.parametrize(
    "keys",
    [[], [""], ["secret"], [NEW[:-2]], [NEW, "secret"], ["密钥" * 22], [NEW + OLD], [f"{NEW} {OLD}"], ["=" * 44]],
)
def test_a_malformed_key_is_told_with_the_settings_name_and_the_way_out(keys: list[str]) -> None:
    with pytest.raises(Invalid, match=r"BANGBAN_KEYS 不对.*bangban keys new"):
        Vault(keys)


def test_keys_that_are_set_are_used_and_none_is_made(tmp_path: Path) -> None:
    assert open_vault([OLD], tmp_path).unlock(Vault([OLD]).lock(TOLD)) == TOLD
    assert list(tmp_path.iterdir()) == []


def test_without_keys_one_is_made_for_its_owner_alone_and_used_ever_after(tmp_path: Path) -> None:
    home = tmp_path / "not" / "there yet"
    locked = open_vault([], home).lock(TOLD)
    assert open_vault([], home).unlock(locked) == TOLD
    (kept,) = home.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_umask_does_not_open_the_key_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_vault([], tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_several_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.vault import open_vault;"
        "print('ready', flush=True); sys.stdin.readline();"
        "print(open_vault([], Path(sys.argv[1])).marks('x')[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:  # all are waiting at the same place
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    marks = {one.communicate(timeout=60)[0] for one in started}
    assert len(marks) == 1
    assert marks != {""}
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("content", [b"", b"half a key", b"\xff\xfe\x00"])
def test_a_key_file_that_was_damaged_is_named_and_not_made_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret.key"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=r"secret\.key.*备份"):
        open_vault([], tmp_path)
    assert file.read_bytes() == content


def test_looking_for_a_key_makes_none(tmp_path: Path) -> None:
    assert find_vault([], tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    open_vault([], tmp_path)
    assert find_vault([], tmp_path) is not None
