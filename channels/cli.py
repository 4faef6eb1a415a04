"""The `bangban` command: serve, and all that is done by hand."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from channels import staff_commands as staff
from channels import terminal
from channels.terminal import Failed, err, out
from channels.wechat import commands as wechat
from core.errors import BangbanError
from core.settings import Settings
from knowledge.regions import Regions

if TYPE_CHECKING:
    from channels.house import House

app = typer.Typer(
    help="帮办：政务服务办事助手", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
keys = typer.Typer(help="保护个人信息的密钥：生成、更换", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(wechat.app, name="wechat")
app.add_typer(staff.app, name="staff")
app.add_typer(staff.audit, name="audit")


class Format(StrEnum):
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    JSON_LD = "jsonld"
    SCHEMA = "schema"


Region = Annotated[str | None, typer.Option(help="区划代码，不填用 BANGBAN_REGION")]


@app.command()
def serve() -> None:
    """启动服务：网页、接口，并在后台带起 Rasa。按 Ctrl-C 停止。"""
    from channels import serving  # the web server is heavy, and other commands need none of it

    serving.run(terminal.settings())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON、JSONL、CSV 或 XLSX 文件", exists=True, dir_okay=False)],
    mapping: Annotated[str, typer.Option(help="映射名（fcg、template）或映射文件路径")] = "template",
    region: Region = None,
    by: Annotated[str, typer.Option(help="记录在案的经办人")] = "命令行导入",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看差别，不写入")] = False,
) -> None:
    """导入办事指南。好的行入库，坏的行逐条说明；有坏行时退出码为 1。"""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from core import clock
    from knowledge.importing import import_file

    settings = terminal.settings()
    columns = (TextColumn("导入"), BarColumn(), TextColumn("{task.fields[rows]} 行"), TimeElapsedColumn())
    with terminal.database(settings) as house, Progress(*columns, console=err) as bar, house.writing() as session:
        task = bar.add_task("", total=1.0, rows=0)
        report = import_file(
            session,
            file,
            mapping,
            region or settings.region,
            by=by,
            at=clock.now(),
            dry_run=dry_run,
            progress=lambda rows, share: bar.update(task, completed=share, rows=rows),
        )
        if not dry_run:
            counts = {"new": report.new, "changed": report.changed, "same": report.same, "wrong": len(report.problems)}
            house.audit.record(
                session, who=terminal.BY_HAND, act="import.apply", subject=f"file:{file.name}",
                region=region or settings.region, detail={**counts, "by": by, "mapping": mapping}, at=clock.now(),
            )  # fmt: skip
            session.commit()
    for one in report.differences:
        out.print(f"[bold]{one.name}[/]（{one.local_code}）", highlight=False)
        for heading, before, after in one.fields:
            out.print(f"  {heading}：{before or '（空）'} → {after or '（空）'}", markup=False, highlight=False)
    for problem in report.problems:
        err.print(str(problem), markup=False, highlight=False)
    done = "试导入（未写入）" if dry_run else "导入完成"
    out.print(
        f"{done}：新增 {report.new}，修改 {report.changed}，没变 {report.same}，有问题 {len(report.problems)}。",
        highlight=False,
    )
    if report.missing:
        out.print(f"库里有 {len(report.missing)} 份指南不在这个文件里，没有动它们。", highlight=False)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def template(file: Annotated[Path, typer.Argument(help="要写的 .xlsx 文件")]) -> None:
    """写一份给业务人员填的 Excel 模板。"""
    from knowledge.template import write

    write(file)
    out.print(f"模板已写到 {file}，填好后用 bangban import {file} --mapping template 导入。", highlight=False)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="要写的文件")],
    form: Annotated[Format, typer.Option("--format", help="格式")] = Format.JSONL,
    region: Region = None,
) -> None:
    """导出已发布的办事指南，或指南的 JSON Schema。"""
    import json

    from core import clock
    from knowledge import export as exporting

    if form is Format.SCHEMA:
        file.write_text(json.dumps(exporting.json_schema(), ensure_ascii=False, indent=2) + "\n", "utf-8")
        out.print(f"已写到 {file}", highlight=False)
        return
    with (
        terminal.database(terminal.settings()) as house,
        house.reading() as session,
        file.open("w", encoding="utf-8", newline="") as text,
    ):
        wanted = [region] if region else []
        regions = Regions.load(session)
        many = exporting.export(session, text, exporting.Form(form), regions=regions, today=clock.today(), codes=wanted)
    out.print(f"导出 {many} 份指南到 {file}", highlight=False)


@app.command("lint-guides")
def lint_guides(
    region: Region = None,
    most: Annotated[int, typer.Option(help="最多列出多少条")] = 50,
) -> None:
    """检查已发布指南的质量：哪里不对、违反哪条、怎么改，以及完整度。"""
    from core import clock
    from knowledge.export import published
    from knowledge.lint import completeness, lint

    scores: list[float] = []
    found = 0
    with terminal.database(terminal.settings()) as house, house.reading() as session:
        for one in published(session, regions=[region] if region else [], today=clock.today()):
            scores.append(completeness(one.guide))
            for finding in lint(one.guide):
                found += 1
                if found <= most:
                    told = f"{one.guide.name}（{one.guide.local_code}） {finding.title}：{finding.message} 建议：{finding.fix}"
                    out.print(told, markup=False, highlight=False)
    if found > most:
        out.print(f"……还有 {found - most} 条，用 --most 看更多。", highlight=False)
    mean = sum(scores) / len(scores) if scores else 0.0
    out.print(f"{len(scores)} 份指南，{found} 条问题，平均完整度 {mean:.0%}。", highlight=False)


@app.command()
def search(
    question: str,
    region: Region = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 10,
) -> None:
    """搜办事指南，看分数。"""
    with _prepared(terminal.settings()) as house:
        for hit in house.search(question, region, limit):
            name = getattr(hit.target, "name", None) or getattr(hit.target, "question", "")
            place = house.regions.full_name(hit.target.region)
            inside = f"（{len(hit.inside)} 个区）" if len(hit.inside) > 1 else ""
            out.print(f"{hit.score:.3f}  {name}{inside}  [{place}]  ← {hit.text[:40]}", markup=False, highlight=False)


@app.command()
def ask(question: str, region: Region = None) -> None:
    """问一句，看回答（不经 Rasa，直接从索引回答）。"""
    from bot.dialogue import Dialogue
    from bot.guard import guard
    from bot.understanding import from_words

    settings = terminal.settings()
    guarded = guard(question, longest=settings.message_limit)
    if guarded.answer:
        out.print(guarded.answer.text, markup=False, highlight=False)
        return
    with _prepared(settings) as house:
        where = Dialogue(house.ancestors(region)[0])
        turn = house.assistant.respond(guarded.text, from_words(guarded.text), where)
        for answer in turn.answers:
            out.print(answer.text, markup=False, highlight=False)


@app.command()
def train() -> None:
    """训练 Rasa 模型（输入没变时什么也不做）。"""
    from bot import supervisor

    settings = terminal.settings()
    if supervisor.python() is None:
        raise Failed("Rasa 的环境还没有装好。请先运行 make setup（需要 Python 3.10，uv 会自动寻找）。")
    try:
        model = asyncio.run(
            supervisor.train(settings.home, lambda line: err.print(line, markup=False, highlight=False))
        )
    except supervisor.TrainingFailed as error:
        raise Failed(str(error)) from None
    out.print(f"模型：{model}", highlight=False)


@app.command()
def evaluate(
    guides: Annotated[
        Path | None, typer.Option(help="指南文件；默认 ../shared/data/fcg_guides.jsonl，没有就只测演示城市")
    ] = None,
    split: Annotated[str, typer.Option(help="dev 调试用，test 只用来报数")] = "dev",
    rasa: Annotated[bool, typer.Option("--rasa/--no-rasa", help="经不经 Rasa")] = True,
    to: Annotated[Path | None, typer.Option("--out", help="结果放哪个文件夹，默认 BANGBAN_HOME 下的 quality")] = None,
    previous: Annotated[Path | None, typer.Option(help="和哪次的 quality.json 比，默认 docs/quality.json")] = None,
    only: Annotated[str, typer.Option(help="只测这几项，用逗号隔开")] = "",
    write: Annotated[bool, typer.Option("--write", help="把结果写进 docs")] = False,
) -> None:
    """评测回答质量：找得准不准、答得对不对、该不该拒答。不动您的数据库。"""
    from channels.evaluation import command

    options = command.Options(guides, split, rasa, to, previous, only, write)
    command.evaluate(terminal.settings(), options)


@app.command()
def doctor() -> None:
    """看看配置了什么、缺什么、怎么补。"""
    from channels.doctor import examine

    raise typer.Exit(0 if terminal.show(examine(terminal.settings())) else 1)


@keys.command("new")
def new_key() -> None:
    """生成一把新密钥，写到 BANGBAN_KEYS 的最前面。"""
    from core import vault

    print(vault.new_key())  # as it is, for a script to read


@keys.command("rotate")
def rotate_keys() -> None:
    """用第一把密钥重新锁住所有预约的个人信息，之后可以撤掉旧密钥。"""
    from core import clock
    from core.vault import Unreadable
    from desk import upkeep

    with terminal.database(terminal.settings()) as house:
        try:
            many = upkeep.relock(house.writing, house.vault)
            with house.writing.begin() as session:
                house.audit.rotated(session, who=terminal.BY_HAND, at=clock.now())
        except Unreadable:
            with house.reading() as session:
                lost = upkeep.unreadable(session, house.vault)
            raise Failed(
                f"{lost} 个预约的个人信息，哪一把密钥都打不开。请把原来的密钥加到 BANGBAN_KEYS 的最后。"
            ) from None
    out.print(f"已用第一把密钥重新锁好 {many} 个预约。旧密钥何时可以撤掉，见 docs/appointments.md。", highlight=False)


@contextmanager
def _prepared(settings: Settings) -> Iterator[House]:
    """A house with its index filled and every text encoded."""
    from channels.house import House

    house = House(settings)
    house.prepare()
    try:
        while house.index.encode_some():
            pass
        yield house
    finally:
        house.shut()


def main() -> None:
    """Run the command; what can go wrong ends in one sentence and exit status 1."""
    try:
        app()
    except (BangbanError, Failed) as error:
        _end(str(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _end("磁盘满了，腾出空间后再试。")
        _end(f"读写文件出错：{error.strerror or error}（{error.filename or '未知文件'}）")
    except Exception as error:
        if "database or disk is full" in str(error):
            _end("磁盘满了，腾出空间后再试。")
        raise


def _end(message: str) -> None:
    err.print(message, style="red", markup=False, highlight=False)
    raise SystemExit(1)
