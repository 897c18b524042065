"""docker-compose.yml, Dockerfile and .env.example agree with one another, with the code and with their promises."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from bot.settings import Settings, read_settings

COMPOSE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^(?:# )?([A-Z][A-Z_]*)=(.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def complaints(file: Path) -> str:
    """Give what the compose specification's own schema has against a file; it comes with check-jsonschema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    return checked.stdout if checked.returncode else ""


def instruction(name: str) -> str:
    """Give the arguments of the last such line of the Dockerfile: that one counts."""
    found: list[str] = re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)
    return found[-1]


def copied() -> set[str]:
    """Give what the Dockerfile takes from the folder that it stands in."""
    lines = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {source for line in lines for source in line.split()}


def test_the_compose_file_fits_the_specification() -> None:
    assert complaints(COMPOSE) == ""


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(COMPOSE.read_text(encoding="utf-8").replace("restart:", "restrat:"), encoding="utf-8")
    assert "restrat" in complaints(misspelt)


def test_the_bot_runs_konfident_run(services: dict[str, dict[str, Any]]) -> None:
    assert instruction("ENTRYPOINT") == '["konfident"]'
    assert "entrypoint" not in services["bot"]
    assert services["bot"]["command"] == ["run"]
    assert services["bot"]["restart"] == "unless-stopped"


def test_only_the_bot_starts_unasked(services: dict[str, dict[str, Any]]) -> None:
    profiles = {name: service.get("profiles") for name, service in services.items()}
    assert profiles == {"bot": None, "mail": ["mail"], "actions": ["actions"]}


def test_the_action_server_publishes_no_port(compose: dict[str, Any]) -> None:
    server = compose["services"]["actions"]
    assert server["entrypoint"] == ["python", "-m", "rasa_sdk", "--actions", "bot.actions"]
    assert not {"ports", "network_mode"} & set(server)
    assert [compose["networks"][name]["internal"] for name in server["networks"]] == [True]


def test_the_action_server_gets_no_secrets(services: dict[str, dict[str, Any]]) -> None:
    assert not {"env_file", "secrets"} & set(services["actions"])
    assert set(services["actions"]["environment"]) == {"EMBEDDING_MODEL"}


def test_the_mail_catcher_is_seen_from_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"mail": ["127.0.0.1:8025:8025"]}


def test_the_mail_catcher_is_of_a_named_version(services: dict[str, dict[str, Any]]) -> None:
    assert re.fullmatch(r"axllent/mailpit:v\d+\.\d+\.\d+", services["mail"]["image"])


def test_policies_are_only_read_and_what_the_bot_keeps_outlives_it(compose: dict[str, Any]) -> None:
    for name in ("bot", "actions"):
        assert compose["services"][name]["volumes"] == ["./knowledge:/knowledge:ro", "data:/data"]
    assert "data" in compose["volumes"]


def test_the_bot_looks_into_the_rooms_that_the_container_has(services: dict[str, dict[str, Any]]) -> None:
    rooms = {name.upper() for name in Settings.model_fields if name.endswith("_dir")}
    in_the_image = {name: place for name, place in re.findall(r"(\w+)=(\S+)", DOCKERFILE) if name in rooms}
    assert set(in_the_image) == rooms
    assert services["bot"]["environment"] == in_the_image


def test_the_container_does_not_run_as_root() -> None:
    user = instruction("USER")
    assert user not in {"root", "0"}
    assert re.search(rf"^RUN useradd --uid [1-9]\d+ .* {user} ", DOCKERFILE, re.MULTILINE)


def test_libraries_are_kept_from_reporting_their_use() -> None:
    assert {"ORT_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_TELEMETRY=1"} <= set(DOCKERFILE.split())


def test_the_image_gets_what_it_copies_and_no_more() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied()
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_the_example_names_every_setting_and_no_other() -> None:
    named = [name for name, _ in VARIABLE.findall(ENV_EXAMPLE)]
    assert named == [field.upper() for field in Settings.model_fields]


def test_the_example_shows_the_defaults() -> None:
    shown = dict(VARIABLE.findall(ENV_EXAMPLE))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    known = {name: str(value) for name, value in defaults.items() if value is not None}
    assert {name: shown[name] for name in known} == known


@pytest.mark.parametrize("text", [ENV_EXAMPLE, VARIABLE.sub(r"\1=\2", ENV_EXAMPLE)], ids=["as it is", "uncommented"])
def test_the_example_is_accepted(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in map(str.upper, Settings.model_fields):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.chdir(ROOT)
    example = tmp_path / ".env"
    example.write_text(text, encoding="utf-8")
    assert read_settings(_env_file=example).bot_token is None
