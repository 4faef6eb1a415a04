from __future__ import annotations

from knowledge import everyday


def test_an_item_is_known_by_its_name_whatever_the_brackets_and_spaces():
    one = next(item for item in everyday.items() if "“" in item.name)
    bare = one.name.replace("“", "").replace("”", "")
    assert everyday.questions(bare) == everyday.questions(f" {one.name} ") != ()


def test_an_unknown_item_has_no_questions():
    assert everyday.questions("月球采矿许可") == ()


def test_typos_and_dialect_teach_but_are_not_searched():
    for item in everyday.items():
        told = {text for style, text in item.questions if style in {"typo", "dialect", "noisy", "traditional"}}
        kept = {text for style, text in item.questions if style not in {"typo", "dialect", "noisy", "traditional"}}
        assert not (told - kept) & set(everyday.questions(item.name))
