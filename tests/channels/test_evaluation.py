"""`bangban evaluate`: verdicts on replies made by hand, the report, and one run on the demonstration city."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.understanding import Understanding, Wish
from channels.evaluation import plot, report, tallies
from channels.evaluation.command import Options, planned
from channels.evaluation.run import OF_GUIDES, Part, Plan
from channels.evaluation.sets import Emergency, Expected, Question, Split, Unanswerable
from channels.evaluation.tables import Run, Table, load, save
from channels.evaluation.talks import Answered, Talks, Turned, through_rasa, understands
from channels.evaluation.verdicts import Outcome, Verdict, called, complete, failings, outcome, verdict
from channels.evaluation.worst import strayed, worst
from core.errors import Invalid
from core.types import Act, Answer, Choice, Facet, Fact, GuideRef
from index.evaluate import Point
from tests.channels.command import run
from tests.channels.conftest import home

ASKED = Question("补身份证要带啥", "short", frozenset({"a", "b"}), "materials", ("户口簿", "照片 2 张"))
TOLD = "请带：户口簿、照片2张。"


def guide(code: str, name: str = "") -> GuideRef:
    return GuideRef(1, code, name or f"事项{code}", "演示局", "980100", 1)


def choice(code: str, name: str = "") -> Choice:
    return Choice(f"guide:1:{code}", name, guide(code, name))


def answer(code: str, *facets: Facet, text: str = TOLD) -> Answer:
    return Answer(Act.ANSWER, text, facets, guide=guide(code))


def clarify(*codes: str) -> Answer:
    return Answer(Act.CLARIFY, "哪一件？", choices=tuple(choice(code) for code in codes))


# -- verdicts --


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        (answer("b"), Verdict.RIGHT),
        (answer("z"), Verdict.WRONG),
        (clarify("z", "a"), Verdict.CHOICE),
        (clarify("y", "z"), Verdict.MISSED),
        (Answer(Act.CLARIFY, "您问的是哪件事？"), Verdict.MISSED),
        (Answer(Act.REFUSE, "没有找到", choices=(choice("a"),)), Verdict.REFUSED),
        (Answer(Act.HANDOFF, "打 12345"), Verdict.ASIDE),
        (Answer(Act.TICKET, "打 12345", guide=guide("a")), Verdict.RIGHT),
        (Answer(Act.BOOK, "可以预约", guide=guide("z")), Verdict.WRONG),
        (Answer(Act.ANSWER, "取消了。\n\n来源：演示市常见问题《别的事？》"), Verdict.WRONG),
    ],
)
def test_a_reply_has_one_verdict(said: Answer, worth: Verdict) -> None:
    assert verdict(said, ASKED, {"别的事？": "other"}) is worth


def test_a_curated_question_is_known_by_its_source() -> None:
    said = Answer(Act.ANSWER, "取消了。\n\n来源：演示市常见问题《会计证？》")
    assert verdict(said, replace(ASKED, guides=frozenset({"kj"})), {"会计证？": "kj"}) is Verdict.RIGHT


def test_leaving_only_the_district_open_is_right_and_several_matters_are_a_choice() -> None:
    districts = tuple(choice(f"yq-db-001-{one}", "低保") for one in ("sf", "zx", "ml"))
    asked = replace(ASKED, guides=frozenset({"yq-db-001-sf"}))
    assert verdict(Answer(Act.CLARIFY, "哪个区？", choices=districts), asked, {}) is Verdict.RIGHT
    assert verdict(clarify("yq-db-001-sf", "yq-db-001-zx"), asked, {}) is Verdict.CHOICE


def test_facts_count_wherever_they_are_told_and_however_they_are_spaced() -> None:
    assert complete(answer("a", Facet.MATERIALS, Facet.FEE), ASKED) == complete(
        replace(answer("a", Facet.MATERIALS, text=""), facts=(Fact("材料", "戶口簿"), Fact("照片", "照片２张"))),
        replace(ASKED, facts=("户口簿", "照片：照片 2 张")),
    )
    lacking = complete(answer("a", Facet.FEE, text="户口簿"), ASKED)
    assert (lacking.facet, lacking.facts) == (False, False)
    assert complete(answer("a"), replace(ASKED, facet="how", facts=())).facet  # an overview tells how


@pytest.mark.parametrize(
    ("said", "became"),
    [
        (answer("a"), Outcome.ANSWERED),
        (clarify("a"), Outcome.ASKED),
        (Answer(Act.CLARIFY, "您问的是哪件事？"), Outcome.REFUSED),
        (Answer(Act.REFUSE, "没有", choices=(choice("a"),)), Outcome.REFUSED),
        (Answer(Act.SMALLTALK, "不客气"), Outcome.REFUSED),
        (Answer(Act.BOOK, "可以预约", guide=guide("a")), Outcome.ANSWERED),
    ],
)
def test_an_unanswerable_question_must_get_no_guide(said: Answer, became: Outcome) -> None:
    assert outcome(said) is became


def test_an_emergency_wants_its_number_and_a_look_alike_none() -> None:
    alarm = Answer(Act.EMERGENCY, "马上打 119")
    assert called(alarm, Emergency("", "119"))
    assert called(alarm, Emergency("", "110/119"))
    assert not called(alarm, Emergency("", "120"))
    assert not called(alarm, Emergency("", ""))
    assert called(answer("a"), Emergency("", ""))
    assert not called(answer("a", text="119"), Emergency("", "119"))


def test_a_turn_names_all_that_is_not_as_expected() -> None:
    said = [answer("a", Facet.FEE), Answer(Act.SMALLTALK, "已经隐去")]
    assert failings(said, Expected(("answer",), frozenset({"a"}), "fee", ("户口簿", "隐去"), ("身份证",))) == []
    assert failings(said, Expected(("clarify", "refuse"), frozenset({"z"}), "time", ("护照",), ("户 口 簿",))) == [
        "act answer",
        "guide 事项a",
        "facets fee",
        "lacks 护照",
        "holds 户 口 簿",
    ]
    assert failings([clarify("z", "a")], Expected(("clarify",), frozenset({"a"}))) == []


def test_a_matter_alone_asks_how_and_a_complaint_is_a_wish() -> None:
    assert understands(Understanding(Wish.ASK), "how")
    assert not understands(Understanding(Wish.GREET), "how")
    assert not understands(Understanding(Wish.ASK, (Facet.FEE,)), "how")
    assert understands(Understanding(Wish.COMPLAINT), "complaint")
    assert understands(Understanding(Wish.ASK, (Facet.FEE, Facet.TIME)), "time")


def test_only_understood_messages_can_go_through_rasa() -> None:
    assert through_rasa({"rasa": 3, "direct": 1, "guard": 10, "choice": 5}) == 0.75
    assert through_rasa({}) == 0.0


# -- tables and the report --

FOUND = [
    Answered(ASKED, answer("a"), Verdict.RIGHT, after=True, complete=complete(answer("a", Facet.MATERIALS), ASKED)),
    Answered(ASKED, clarify("a"), Verdict.CHOICE, after=True, complete=complete(answer("a"), ASKED)),
    Answered(replace(ASKED, style="long"), answer("z"), Verdict.WRONG),
    Answered(replace(ASKED, style="long"), Answer(Act.REFUSE, "没有"), Verdict.REFUSED, named=True),
]
REFUSED = [(Unanswerable("唱首歌", "chat"), answer("z"), Outcome.ANSWERED)]


def test_shares_are_counted_over_all_and_by_style() -> None:
    table = tallies.answers(FOUND)
    whole, long = table.rows["all"], table.rows["long"]
    assert list(table.rows) == ["all", "long", "short"]
    assert (whole["asked"], whole["right"], whole["within one choice"]) == (4, 0.25, 0.5)
    assert (whole["complete"], whole["done"], whole["named"]) == (1.0, 0.25, 0.25)
    assert (long["wrong"], long["refused"], long["right"]) == (0.5, 0.5, 0.0)
    both = tallies.both_ways(FOUND, REFUSED).rows
    assert [row["share"] for row in both.values()] == [0.0, 0.0, 0.75]


def test_a_dialogue_counts_only_whole() -> None:
    turns = [Turned("d1", 1, "甲", answer("a"), ()), Turned("d1", 2, "乙", answer("a"), ("act answer",))]
    turns.append(Turned("d2", 1, "丙", answer("a"), ()))
    shares = {name: row["right"] for name, row in tallies.dialogues(turns).rows.items()}
    assert shares == {"turns": pytest.approx(2 / 3), "turns after the first": 0.0, "whole dialogues": 0.5}
    assert [one.text for one in strayed(turns)] == ["d1.2 乙"]


def test_the_worst_are_wrong_answers_then_refusals_and_unanswerable_questions_that_were_answered() -> None:
    bad = worst(FOUND, [1, 1, 7, None], REFUSED, {"a": "补领身份证", "b": "换领身份证"})
    assert [one.why for one in bad] == [
        "wrong, rank 7 in search",
        "refused, not among ten in search",
        "answered all the same",
    ]
    assert bad[0].wanted == "换领身份证 / 补领身份证"
    assert bad[0].said == "answer: 事项z"


def test_figures_are_kept_sorted_and_rounded_and_shown_beside_the_run_before(tmp_path: Path) -> None:
    table = Table("answers", "Answers", "How.", {"b": {"asked": 3, "right": 1 / 3}, "a": {"asked": 1, "right": 1.0}})
    made = Run({"split": "dev", "date": "2026-11-22"}, [table])
    save(made, tmp_path / "quality.json")
    about, figures = load(tmp_path / "quality.json")
    assert about["split"] == "dev"
    assert figures["answers"]["b"] == {"asked": 3, "right": 0.333}
    text = (tmp_path / "quality.json").read_text("utf-8")
    assert text.index('"a"') < text.index('"b"')
    before = {"answers": {"b": {"asked": 9, "right": 0.2}}}
    page = report.page(made, before, {"Worst questions": worst(FOUND, [], REFUSED, {})}, "<svg/>")
    assert "0.333 (0.200)" in page
    assert "唱首歌" in page
    assert "| b | 3 | 0.333 (0.200) |" in report.markdown(made, before, "bangban evaluate")


def test_what_is_no_earlier_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[]", "utf-8")
    with pytest.raises(Invalid, match=r"other\.json"):
        load(tmp_path / "other.json")


def test_only_the_part_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "quality.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", "utf-8")
    report.publish(page, "new")
    assert page.read_text("utf-8") == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    page.write_text("no markers", "utf-8")
    with pytest.raises(Invalid):
        report.publish(page, "new")


def test_the_curve_is_drawn_with_a_line_each_and_the_present_threshold() -> None:
    drawn = plot.svg([Point(0.4, 0.9, 0.1, 0.5), Point(0.9, 0.2, 0.0, 0.0)], 0.65)
    assert drawn.count("<polyline") == 6
    assert "now 0.65" in drawn


# -- the command --


def test_options_that_make_no_sense_are_told(tmp_path: Path) -> None:
    for wrong in (
        Options(guides=tmp_path / "none.jsonl"),
        Options(only="retrieval,nothing"),
        Options(split="train"),
        Options(write=True),
        Options(split="test", rasa=False, write=True),
    ):
        with pytest.raises(Invalid):
            planned(wrong)
    assert planned(Options(only="demo, private")).parts == {Part.DEMO, Part.PRIVATE}


def test_without_guides_the_demonstration_city_alone_is_asked() -> None:
    assert Plan(None, Split.DEV).possible == set(Part) - OF_GUIDES


def test_a_run_on_the_demonstration_city_writes_its_report_and_leaves_the_home_alone(tmp_path: Path) -> None:
    at = home(tmp_path, city=False)
    own = {"BANGBAN_HOME": str(at), "BANGBAN_ENCODER": "none"}  # by words: no text waits for its vector
    done = run("evaluate", "--no-rasa", "--only", "demo", "--out", str(tmp_path / "out"), **own)
    assert done.returncode == 0, done.stderr
    assert "演示城市：right" in done.stdout
    kept = json.loads((tmp_path / "out" / "quality.json").read_text("utf-8"))
    assert kept["figures"]["demo"]["all"]["within one choice"] >= 0.6
    assert kept["about"]["asked"] == {"demonstration questions": kept["figures"]["demo"]["all"]["asked"]}
    assert "<h1>Answer quality</h1>" in (tmp_path / "out" / "quality.html").read_text("utf-8")
    assert sorted(one.name for one in at.iterdir()) == ["index", "models", "out", "rasa"]


def test_no_conversation_is_shared_between_two_parts() -> None:
    """What one part said would be remembered in the next."""
    parts = [Talks(None) for _ in range(2)]  # type: ignore[arg-type]
    sessions = [part._session() for part in parts for _ in range(3)]
    assert len(set(sessions)) == len(sessions)
