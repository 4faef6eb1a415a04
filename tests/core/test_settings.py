import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from channels import terminal
from channels.terminal import Failed
from core.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder and no variables of ours."""
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


# -- WeChat --

SECRETS = {"TOKEN": "token123", "AES_KEY": "k" * 43, "APPID": "wx0123456789abcdef", "SECRET": "s" * 32}


def wechat(monkeypatch, **changed):
    """Set one Official Account, with parts changed or, where None, left out."""
    for name, value in {**SECRETS, **changed}.items():
        if value is not None:
            monkeypatch.setenv(f"BANGBAN_WECHAT_{name}", value)


def account(**changed):
    """An Official Account among several."""
    return {**{name.lower(): value for name, value in SECRETS.items()}, **changed}


def accounts(monkeypatch, **named):
    monkeypatch.setenv("BANGBAN_WECHAT_ACCOUNTS", json.dumps(named))


def refused():
    with pytest.raises(ValidationError) as wrong:
        Settings()
    return wrong.value


def test_without_settings_there_is_no_official_account():
    assert Settings().wechat == {}


def test_one_official_account_has_no_name(monkeypatch):
    wechat(monkeypatch, STAFF="any", TEMPLATES='{"remind": {"id": "tm-1", "fields": {"thing1": "item"}}}')
    own = Settings().wechat
    assert list(own) == [""]
    assert (own[""].appid, own[""].staff, own[""].region) == (SECRETS["APPID"], "any", "")
    assert own[""].templates["remind"].fields == {"thing1": "item"}


def test_several_accounts_have_names_and_regions_and_stand_beside_the_one(monkeypatch):
    wechat(monkeypatch)
    accounts(monkeypatch, tax=account(appid="wxtax0001", region="330602"), town=account(appid="wxtown0001"))
    assert {name: one.region for name, one in Settings().wechat.items()} == {"": "", "tax": "330602", "town": ""}


@pytest.mark.parametrize("part", list(SECRETS))
@pytest.mark.parametrize("value", [None, ""])
def test_an_account_that_lacks_a_part_is_refused_and_the_part_named(monkeypatch, part, value):
    wechat(monkeypatch, **{part: value})
    assert f"还缺 BANGBAN_WECHAT_{part}" in refused().errors()[0]["msg"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("TOKEN", "to"),
        ("TOKEN", "t" * 33),
        ("TOKEN", "tok-en_1"),
        ("TOKEN", "   "),
        ("AES_KEY", "k" * 42),
        ("AES_KEY", "k" * 44),
        ("AES_KEY", "k" * 42 + "="),
        ("APPID", "wx 0123456789"),
        ("SECRET", "short"),
        ("SECRET", "s" * 31 + "\u200b"),
        ("STAFF", "Any"),
        ("STAFF", "kf2001"),
        ("STAFF", "kf2001@"),
    ],
)
def test_a_part_of_another_form_is_refused_alone_or_among_several(monkeypatch, part, value):
    wechat(monkeypatch, **{part: value})
    assert refused().errors()[0]["loc"] == (f"wechat_{part.lower()}",)
    for name in [*SECRETS, "STAFF"]:
        monkeypatch.delenv(f"BANGBAN_WECHAT_{name}", raising=False)
    accounts(monkeypatch, tax=account(**{part.lower(): value}))
    assert refused().errors()[0]["loc"] == ("wechat_accounts", "tax", part.lower())


@pytest.mark.parametrize("name", ["", "Tax", "税务", "a/b", "1st", "-a", "a" * 21, "a.b"])
def test_an_accounts_name_is_part_of_its_address(monkeypatch, name):
    accounts(monkeypatch, **{name: account()})
    assert "小写字母" in refused().errors()[0]["msg"]


def test_the_same_account_twice_is_refused(monkeypatch):
    wechat(monkeypatch)
    accounts(monkeypatch, tax=account())
    assert "设置了两次" in refused().errors()[0]["msg"]
    for name in SECRETS:
        monkeypatch.delenv(f"BANGBAN_WECHAT_{name}")
    accounts(monkeypatch, tax=account(), water=account())
    assert SECRETS["APPID"] in refused().errors()[0]["msg"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"region": "3306"},
        {"aeskey": "k" * 43},
        {"templates": {"welcome": {"id": "tm-1", "fields": {"thing1": "item"}}}},
        {"templates": {"remind": {"id": "", "fields": {"thing1": "item"}}}},
        {"templates": {"remind": {"id": "tm-1", "fields": {}}}},
        {"templates": {"remind": {"id": "tm-1", "sort": "sms", "fields": {"thing1": "item"}}}},
    ],
)
def test_what_an_account_may_not_have_is_refused_by_its_name(monkeypatch, wrong):
    accounts(monkeypatch, tax=account(**wrong))
    place = refused().errors()[0]["loc"]
    assert place[:3] == ("wechat_accounts", "tax", next(iter(wrong)))


def test_online_applications_are_named_by_their_hosts(monkeypatch):
    monkeypatch.setenv("BANGBAN_WECHAT_HANDOFF", " ZWFW.example=0123456789abcdef , tax.example:8443=fedcba9876543210=,")
    assert Settings().wechat_handoff == {
        "zwfw.example": "0123456789abcdef",
        "tax.example:8443": "fedcba9876543210=",
    }


@pytest.mark.parametrize(
    "host", ["https://zwfw.example", "zwfw.example/", "*.example", "zwfw example", "a@zwfw.example"]
)
def test_more_than_a_host_is_refused(monkeypatch, host):
    monkeypatch.setenv("BANGBAN_WECHAT_HANDOFF", f"{host}=0123456789abcdef")
    assert "域名不带" in refused().errors()[0]["msg"]


def test_an_online_application_needs_a_token_of_its_own(monkeypatch):
    for token in ("", "=", "=short"):
        monkeypatch.setenv("BANGBAN_WECHAT_HANDOFF", f"zwfw.example{token}")
        assert "口令至少" in refused().errors()[0]["msg"]
    monkeypatch.setenv("BANGBAN_WECHAT_HANDOFF", "zwfw.example=0123456789abcdef,tax.example=0123456789abcdef")
    assert "不能相同" in refused().errors()[0]["msg"]


@pytest.mark.parametrize(
    "variables",
    [
        {"BANGBAN_WECHAT_SECRET": "hush!"},
        {"BANGBAN_WECHAT_AES_KEY": "hush!"},
        {"BANGBAN_WECHAT_SECRET": "hush"},
        {"BANGBAN_WECHAT_ACCOUNTS": '{"tax": {"secret": "hush!"}}'},
        {"BANGBAN_WECHAT_ACCOUNTS": '{"tax": {"secret": "hush!}}'},
        {"BANGBAN_WECHAT_ACCOUNTS": '{"tax": "hush!"}'},
        {"BANGBAN_WECHAT_ACCOUNTS": '["hush!"]'},
        {"BANGBAN_WECHAT_TEMPLATES": '{"remind": "hush!"}'},
    ],
)
def test_a_wrong_value_is_told_by_its_name_and_never_shown(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Failed) as failed:
        terminal.settings()
    told = str(failed.value)
    assert next(iter(variables)) in told
    assert "hush" not in told


def test_a_wrong_value_in_the_file_is_never_shown_either(folder):
    (folder / "bangban.env").write_text("BANGBAN_WECHAT_SECRET=hush!\n", "utf-8")
    told = served()
    assert "BANGBAN_WECHAT_SECRET" in told
    assert "hush" not in told


def served(**variables):
    """The one sentence in which `bangban serve` ends."""
    done = subprocess.run(
        [sys.executable, "-m", "channels", "serve"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "1000", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr
