"""The environment is read once; a bad value names itself, never shows itself, and stops the start."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "123456:ABC-def"
SECRET = "geheim-7f3a"

SOUND = {
    "BOT_TOKEN": TOKEN,
    "TELEGRAM_API_URL": "http://localhost:8081",
    "SMTP_URL": f"smtps://bot%40shop.kz:{SECRET}@mail.shop.kz:465",
    "MAIL_FROM": "Konfident <bot@shop.kz>",
    "IMAP_URL": f"imaps://bot%40shop.kz:{SECRET}@mail.shop.kz:993/INBOX",
    "KNOWLEDGE_DIR": "policies",
    "INTENTS_DIR": "words",
    "DATA_DIR": "data/deep",
    "STAFF_CHAT_ID": "-1001234567890",
    "EMBEDDING_MODEL": "some/model",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with the rooms that a deployment has and an environment that sets nothing."""
    for name in ("knowledge", "intents", "policies", "words"):
        (tmp_path / name).mkdir()
    for name in SOUND:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def as_strings(settings: Settings) -> dict[str, str]:
    """Every value in the clear, under its variable's name."""
    values = {name.upper(): getattr(settings, name) for name in Settings.model_fields}
    return {
        name: getattr(value, "get_secret_value", lambda value=value: str(value))() for name, value in values.items()
    }


def complaint() -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert caught.value.__cause__ is None  # a cause would show the value
    return str(caught.value)


def test_nothing_has_to_be_set() -> None:
    settings = read_settings()
    assert (settings.bot_token, settings.smtp_url, settings.imap_url, settings.staff_chat_id) == (None,) * 4
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.mail_from == "konfident@localhost"
    folders = (settings.knowledge_dir, settings.intents_dir, settings.data_dir)
    assert folders == (Path("knowledge"), Path("intents"), Path("var"))
    assert settings.embedding_model == "multilingual-e5-small"


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    assert as_strings(read_settings()) == SOUND


def test_the_cast_of_variables_is_complete() -> None:
    assert {name.upper() for name in Settings.model_fields} == set(SOUND)


def test_the_readme_explains_every_variable_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE)
    assert sorted(table) == sorted(SOUND)


@pytest.mark.parametrize("name", SOUND)
def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = read_settings()
    monkeypatch.setenv(name, "")
    assert read_settings() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "smtp://localhost:2525"),
        ("SMTP_URL", "smtp+starttls://bot:x@mail.shop.kz:587"),
        ("SMTP_URL", "smtps://bot:x@mail.shop.kz"),
        ("IMAP_URL", "imap://bot:x@localhost:143"),
        ("IMAP_URL", "imap+starttls://bot:x@mail.shop.kz:143/INBOX"),
        ("IMAP_URL", "imaps://bot:x@mail.shop.kz"),
        ("TELEGRAM_API_URL", "https://telegram.shop.kz:8443"),
        ("MAIL_FROM", "bot@shop.kz"),
        ("STAFF_CHAT_ID", "42"),
    ],
)
def test_every_promised_form_of_an_address_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert as_strings(read_settings())[name] == value


def test_a_slash_behind_telegrams_address_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_API_URL", "http://localhost:8081/")
    assert read_settings().telegram_api_url == "http://localhost:8081"


def test_what_a_command_gives_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "data")
    assert read_settings(data_dir=Path("other")).data_dir == Path("other")


# .env and NAME_FILE


def test_the_file_env_is_read_and_its_foreign_lines_are_left_alone(folder: Path) -> None:
    lines = [f"BOT_TOKEN={TOKEN}", "STAFF_CHAT_ID=42", "COMPOSE_PROJECT_NAME=konfident"]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")
    settings = as_strings(read_settings())
    assert (settings["BOT_TOKEN"], settings["STAFF_CHAT_ID"]) == (TOKEN, "42")


def test_the_environment_goes_before_the_file_env(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("STAFF_CHAT_ID=42\nMAIL_FROM=old@shop.kz\n", encoding="utf-8")
    monkeypatch.setenv("STAFF_CHAT_ID", "43")
    settings = read_settings()
    assert (settings.staff_chat_id, settings.mail_from) == (43, "old@shop.kz")


def test_a_bad_value_in_the_file_env_names_itself(folder: Path) -> None:
    (folder / ".env").write_text(f"BOT_TOKEN={SECRET}\n", encoding="utf-8")
    said = complaint()
    assert said.startswith("BOT_TOKEN: ")
    assert SECRET not in said


@pytest.mark.parametrize("name", ["BOT_TOKEN", "SMTP_URL", "IMAP_URL"])
def test_a_secret_may_come_as_a_file_and_its_last_line_break_is_not_part_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (folder / "secret").write_text(f"{SOUND[name]}\n", encoding="utf-8")
    monkeypatch.setenv(f"{name}_FILE", str(folder / "secret"))
    assert as_strings(read_settings())[name] == SOUND[name]


def test_the_variable_itself_goes_before_its_file_and_the_file_before_env(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("BOT_TOKEN=1:env\n", encoding="utf-8")
    (folder / "secret").write_text("2:file", encoding="utf-8")
    monkeypatch.setenv("BOT_TOKEN_FILE", "secret")
    assert as_strings(read_settings())["BOT_TOKEN"] == "2:file"
    monkeypatch.setenv("BOT_TOKEN", "3:environment")
    assert as_strings(read_settings())["BOT_TOKEN"] == "3:environment"


@pytest.mark.parametrize("path", ["nowhere", "knowledge"], ids=["missing", "folder"])
def test_a_secrets_file_that_cannot_be_read_names_its_variable(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("SMTP_URL_FILE", path)
    with pytest.raises(SettingsError, match=r"^SMTP_URL_FILE: the file cannot be read"):
        read_settings()


def test_a_bad_secret_in_a_file_names_its_variable_and_stays_hidden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    monkeypatch.setenv("SMTP_URL_FILE", "secret")
    said = complaint()
    assert said.startswith("SMTP_URL: ")
    assert SECRET not in said


def test_an_empty_secrets_file_is_a_mistake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "secret").touch()
    monkeypatch.setenv("BOT_TOKEN_FILE", "secret")
    assert complaint().startswith("BOT_TOKEN: ")


# bad values

BAD = [
    ("BOT_TOKEN", SECRET),
    ("BOT_TOKEN", f":{SECRET}"),
    ("TELEGRAM_API_URL", f"{SECRET}.shop.kz"),
    ("TELEGRAM_API_URL", f"ftp://{SECRET}.shop.kz"),
    ("TELEGRAM_API_URL", f"https:///{SECRET}"),
    ("SMTP_URL", f"bot:{SECRET}@mail.shop.kz:25"),
    ("SMTP_URL", f"http://bot:{SECRET}@mail.shop.kz"),
    ("SMTP_URL", f"imaps://bot:{SECRET}@mail.shop.kz"),
    ("SMTP_URL", f"smtps://bot:{SECRET}@"),
    ("SMTP_URL", f"smtps://bot:{SECRET}@mail.shop.kz:0"),
    ("SMTP_URL", f"smtps://bot:{SECRET}@mail.shop.kz:99999"),
    ("SMTP_URL", f"smtps://bot:{SECRET}@mail.shop.kz:port"),
    ("SMTP_URL", f"smtps://bot:{SECRET}@[::1"),
    ("SMTP_URL", f"smtps://bot:pass/{SECRET}@mail.shop.kz"),
    ("IMAP_URL", f"bot:{SECRET}@mail.shop.kz"),
    ("IMAP_URL", f"smtps://bot:{SECRET}@mail.shop.kz"),
    ("IMAP_URL", f"imaps://bot:{SECRET}@mail.shop.kz:99999"),
    ("MAIL_FROM", f"{SECRET}.shop.kz"),
    ("MAIL_FROM", f"{SECRET}@shop.kz, other@shop.kz"),
    ("MAIL_FROM", f"bot@shop.kz\r\nBcc: {SECRET}"),
    ("KNOWLEDGE_DIR", SECRET),
    ("INTENTS_DIR", SECRET),
    ("STAFF_CHAT_ID", SECRET),
    ("STAFF_CHAT_ID", "1.5"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_names_itself_and_never_shows_itself(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    said = complaint()
    assert said.startswith(f"{name}: ")
    assert SECRET not in said
    assert value not in said


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_TOKEN", "SMTP_URL", "STAFF_CHAT_ID"):
        monkeypatch.setenv(name, SECRET)
    said = complaint()
    assert re.findall(r"([A-Z_]+): ", said) == ["BOT_TOKEN", "SMTP_URL", "STAFF_CHAT_ID"]


def test_a_file_does_not_stand_for_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "policy.txt").touch()
    monkeypatch.setenv("KNOWLEDGE_DIR", "policy.txt")
    assert complaint().startswith("KNOWLEDGE_DIR: ")


def test_secrets_stay_hidden_where_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_TOKEN", "SMTP_URL", "IMAP_URL"):
        monkeypatch.setenv(name, SOUND[name])
    for printed in (repr(read_settings()), str(read_settings()), read_settings().model_dump_json()):
        assert SECRET not in printed
        assert TOKEN not in printed


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().staff_chat_id = 1


@pytest.mark.parametrize(("name", "value"), [("BOT_TOKEN", SECRET), ("SMTP_URL", f"http://bot:{SECRET}@x"), BAD[-2]])
@pytest.mark.parametrize("command", [["tickets", "list"], ["check"], ["build"], ["run"]], ids=" ".join)
def test_a_bad_value_stops_every_command_with_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"konfident: {name}: ")
    assert SECRET not in result.stderr
    assert not (folder / "var").exists()


def test_the_bot_does_not_start_without_a_token() -> None:
    result = CliRunner().invoke(main, ["run"])
    assert result.exit_code == 2
    assert result.stderr.startswith("konfident: BOT_TOKEN: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", f"smtp://bot:{SECRET}@mail.shop.kz"),
        ("IMAP_URL", "imaps://mail.shop.kz"),
        ("IMAP_URL", f"imap://bot:{SECRET}@mail.shop.kz"),
    ],
)
def test_a_mail_server_that_cannot_be_used_stops_the_bot(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["run"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"konfident: {name}: ")
    assert SECRET not in result.stderr
