from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder and no variables of ours."""
    import os

    for name in [name for name in os.environ if name.startswith("BANGBAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_everything_has_a_safe_default():
    settings = Settings()
    assert (settings.host, settings.port, settings.cors_origins) == ("127.0.0.1", 8000, [])
    assert settings.database == f"sqlite:///{Path('var/bangban.db').absolute()}"
    assert settings.loads_demo


def test_a_variable_is_read(monkeypatch):
    monkeypatch.setenv("BANGBAN_PORT", "9000")
    monkeypatch.setenv("BANGBAN_DATABASE_URL", "postgresql://db.example/bangban")
    assert Settings().port == 9000
    assert Settings().database == "postgresql://db.example/bangban"


def test_the_file_in_the_working_folder_is_read_and_a_variable_beats_it(folder, monkeypatch):
    (folder / "bangban.env").write_text("BANGBAN_PORT=9001\nBANGBAN_TITLE=云桥帮办\nOTHER=1\n", "utf-8")
    assert (Settings().port, Settings().title) == (9001, "云桥帮办")
    monkeypatch.setenv("BANGBAN_PORT", "9002")
    assert Settings().port == 9002


def test_portals_are_separated_by_commas(folder, monkeypatch):
    monkeypatch.setenv("BANGBAN_CORS_ORIGINS", " https://a.example/ , https://b.example,, ")
    assert Settings().cors_origins == ["https://a.example", "https://b.example"]
    monkeypatch.delenv("BANGBAN_CORS_ORIGINS")
    (folder / "bangban.env").write_text("BANGBAN_CORS_ORIGINS=https://c.example\n", "utf-8")
    assert Settings().cors_origins == ["https://c.example"]


def test_tokens_and_keys_may_end_in_a_slash(monkeypatch):
    monkeypatch.setenv("BANGBAN_STAFF_TOKENS", "王芳:0123456789abcde/ , 李娜:fedcba9876543210//")
    monkeypatch.setenv("BANGBAN_KEYS", "one/,two")
    assert Settings().staff_tokens == ["王芳:0123456789abcde/", "李娜:fedcba9876543210//"]
    assert Settings().keys == ["one/", "two"]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("port", "0"),
        ("port", "abc"),
        ("region", "3306"),
        ("region", "绍兴"),
        ("index_poll", "0"),
        ("index_poll", "6"),
        ("log_level", "LOUD"),
        ("rate_limit", "-1"),
        ("message_limit", "5"),
        ("rasa_deadline", "0"),
        ("demo", "perhaps"),
    ],
)
def test_a_bad_value_is_refused_and_its_field_named(monkeypatch, field, bad):
    monkeypatch.setenv(f"BANGBAN_{field.upper()}", bad)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


@pytest.mark.parametrize("code", ["330602", "330602001", "330602001002"])
def test_a_region_may_be_a_county_a_town_or_a_village(monkeypatch, code):
    monkeypatch.setenv("BANGBAN_REGION", code)
    assert Settings().region == code


def test_the_demonstration_city_is_loaded_only_where_it_is_served_or_asked_for(monkeypatch):
    monkeypatch.setenv("BANGBAN_REGION", "330602")
    assert not Settings().loads_demo
    monkeypatch.setenv("BANGBAN_DEMO", "true")
    assert Settings().loads_demo
    monkeypatch.setenv("BANGBAN_REGION", "980100")
    monkeypatch.setenv("BANGBAN_DEMO", "false")
    assert not Settings().loads_demo
