"""The `bangban` command as a clerk and an IT team use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.channels.command import call, run
from tests.channels.conftest import ROOT, home

FCG = ROOT.parent / "shared" / "data" / "fcg_guides.jsonl"
GUIDES = [
    {"name": "演示事项甲", "local_code": "cli-1", "region": "980100", "department": {"name": "演示局"}},
    {"name": "演示事项乙", "local_code": "cli-2", "region": "980100", "department": {"name": "演示局"}},
    {"name": "", "local_code": "cli-3", "region": "980100", "department": {"name": "演示局"}},
]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a home of its own, kept through this file: the tests follow one another."""
    return {"BANGBAN_HOME": str(home(tmp_path_factory.mktemp("cli"))), "BANGBAN_ENCODER": "none"}


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dump") / "guides.jsonl"
    file.write_text("\n".join(json.dumps(guide, ensure_ascii=False) for guide in GUIDES), "utf-8")
    return file


def test_a_dry_run_shows_what_would_come_and_writes_nothing(at: dict[str, str], dump: Path) -> None:
    done = call("import", str(dump), "--mapping", "guide", "--dry-run", **at)
    assert "新增 2" in done.stdout
    assert "未写入" in done.stdout
    again = call("import", str(dump), "--mapping", "guide", "--dry-run", **at)
    assert "新增 2" in again.stdout


def test_good_rows_land_bad_rows_are_named_and_the_exit_status_tells(at: dict[str, str], dump: Path) -> None:
    done = run("import", str(dump), "--mapping", "guide", **at)
    assert done.returncode == 1
    assert "新增 2" in done.stdout
    assert "第 3 行" in done.stderr
    assert "事项名称" in done.stderr


def test_importing_again_changes_nothing_and_a_changed_row_changes_one(at: dict[str, str], dump: Path) -> None:
    dump.write_text("\n".join(json.dumps(guide, ensure_ascii=False) for guide in GUIDES[:2]), "utf-8")
    same = call("import", str(dump), "--mapping", "guide", **at)
    assert same.returncode == 0
    assert "新增 0，修改 0，没变 2" in same.stdout
    dump.write_text(dump.read_text("utf-8").replace("演示事项乙", "演示事项丙"), "utf-8")
    changed = call("import", str(dump), "--mapping", "guide", **at)
    assert "修改 1，没变 1" in changed.stdout
    assert "演示事项乙 → 演示事项丙" in changed.stdout


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(at: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "broken.xlsx"
    file.write_bytes(b"no workbook")
    done = call("import", str(file), **at)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_search_and_ask_answer_from_the_database(at: dict[str, str]) -> None:
    assert "居民身份证丢失补领" in call("search", "居民身份证丢失补领", **at).stdout
    told = call("ask", "居民身份证丢失补领要带什么", **at).stdout
    assert "材料" in told
    assert "来源：" in told
    assert "119" in call("ask", "家里着火了", **at).stdout


def test_what_is_exported_can_be_imported_again(at: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    assert "导出" in call("export", str(file), **at).stdout
    done = call("import", str(file), "--mapping", "guide", **at)
    assert done.returncode == 0, done.stderr
    assert "新增 0，修改 0" in done.stdout


def test_a_template_can_be_written_and_opened(at: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "template.xlsx"
    assert call("template", str(file), **at).returncode == 0
    assert "办事指南" in openpyxl.load_workbook(file).sheetnames


def test_lint_names_guide_field_rule_and_fix(at: dict[str, str]) -> None:
    told = call("lint-guides", "--most", "5", **at).stdout
    assert "演示事项" in told
    assert "建议：" in told
    assert "平均完整度" in told


def test_doctor_says_what_is_configured_and_what_is_missing(at: dict[str, str]) -> None:
    told = call("doctor", **{**at, "BANGBAN_REDIS_URL": "redis://127.0.0.1:1/0"})
    assert told.returncode == 1
    assert "云桥市" in told.stdout
    assert "Redis 连不上" in told.stdout
    assert "BANGBAN_REDIS_URL" in told.stdout


def test_doctor_has_a_line_for_wechat(at: dict[str, str]) -> None:
    assert "没有接公众号" in call("doctor", **at).stdout
    account = {"TOKEN": "token123", "AES_KEY": "k" * 43, "APPID": "wx0123456789abcdef", "SECRET": "s" * 32}
    own = {**at, **{f"BANGBAN_WECHAT_{name}": value for name, value in account.items()}}
    lacking = call("doctor", **own)
    assert "wx0123456789abcdef" in lacking.stdout
    assert "BANGBAN_PUBLIC_URL" in lacking.stdout
    assert lacking.returncode == 1
    told = call("doctor", **own, BANGBAN_PUBLIC_URL="https://bangban.example").stdout
    assert "bangban wechat check" in told
    assert "s" * 32 not in lacking.stdout + told


def test_the_command_starts_without_what_few_commands_need() -> None:
    heavy = {"wechatpy", "requests", "aiohttp", "httpx", "fastapi", "faiss", "numpy", "rasa_sdk"}
    told = f"import sys, channels.cli; print(*({heavy!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


@pytest.mark.skipif(not FCG.exists(), reason="the dump of 781 guides is not beside this checkout")
def test_a_real_dump_comes_in_whole_for_its_own_city(tmp_path: Path) -> None:
    at = {"BANGBAN_HOME": str(home(tmp_path, city=False)), "BANGBAN_REGION": "450600", "BANGBAN_ENCODER": "none"}
    done = call("import", str(FCG), "--mapping", "fcg", **at)
    assert done.returncode == 0, done.stderr
    assert "新增 781" in done.stdout
    told = call("ask", "补换领机动车号牌在哪办", **at).stdout
    assert "防城港" in told
    assert "云桥" not in told
