"""The environment (or .env) -> Settings; a bad value names itself and never shows itself."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SMTP_SCHEMES = ("smtp", "smtp+starttls", "smtps")
IMAP_SCHEMES = ("imap", "imap+starttls", "imaps")


class SettingsError(Exception):
    """A variable cannot be used; the message names it and what is wrong, without its value."""


class Settings(BaseSettings):
    """Everything that a deployment may set; see the README's table."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    bot_token: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    smtp_url: SecretStr | None = None
    mail_from: str = "konfident@localhost"
    imap_url: SecretStr | None = None
    knowledge_dir: Path = Path("knowledge")
    intents_dir: Path = Path("intents")
    data_dir: Path = Path("var")
    staff_chat_id: int | None = None
    embedding_model: str = Field(default="multilingual-e5-small", min_length=1)

    @field_validator("telegram_api_url")
    @classmethod
    def _an_http_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("an address like https://api.telegram.org is needed")
        return value.rstrip("/")

    @field_validator("bot_token")
    @classmethod
    def _a_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().partition(":")[0].isdigit():
            raise ValueError("a token like 123456:ABC is needed, as BotFather gives it")
        return value

    @field_validator("mail_from")
    @classmethod
    def _a_sender(cls, value: str) -> str:
        if value.count("@") != 1 or any(char in value for char in "\r\n"):
            raise ValueError("an address like bot@shop.kz or Name <bot@shop.kz> is needed")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _an_smtp_address(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked(value, SMTP_SCHEMES)

    @field_validator("imap_url")
    @classmethod
    def _an_imap_address(cls, value: SecretStr | None) -> SecretStr | None:
        return _checked(value, IMAP_SCHEMES)

    @field_validator("knowledge_dir", "intents_dir")
    @classmethod
    def _an_existing_folder(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError("there is no such folder")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the library passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A secret may come as NAME_FILE; NAME itself goes before it."""
        return init_settings, env_settings, _FileSource(settings_cls), dotenv_settings


class _FileSource(PydanticBaseSettingsSource):
    """NAME_FILE=/run/secrets/name, as container secrets are handed over."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The file's content without the last line break."""
        del field  # one rule for all fields
        path = os.environ.get(f"{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise SettingsError(f"{field_name.upper()}_FILE: the file cannot be read: {error.strerror}") from error

    def __call__(self) -> dict[str, Any]:
        """All values that came by file."""
        fields = self.settings_cls.model_fields
        values = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def read_settings(**given: Any) -> Settings:
    """Settings of this process, `given` ones first. Raises SettingsError."""
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("; ".join(problems)) from None


def _checked(value: SecretStr | None, schemes: tuple[str, ...]) -> SecretStr | None:
    if value is None:
        return None
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value.get_secret_value())
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"an address that begins with {wanted} and names a host is needed")
    return value
