"""The bodies of what is about the access log beside its rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wallet_api.http.models import Base64Text, Model
from wallet_api.journal import MAX_ENTRIES
from wallet_api.lookups import MAX_OPERATOR, MAX_REASON

__all__ = ["ExportModel", "JournalTaken", "JournalUpload", "LogKey", "LookupModel"]

_Slot = Annotated[int, Field(ge=0, le=2**15)]


class ExportModel(Model):
    export: str = Field(description="the file as it stands: base64url, signed by the wallet")


class LogKey(Model):
    vkey: str = Field(description="as C2SP signed-note spells a key")
    public_key: str = Field(description="raw Ed25519 public key in hex")


class JournalUpload(Model):
    entries: list[Base64Text] = Field(
        min_length=1, max_length=MAX_ENTRIES, description="signed entries, typ journal"
    )


class JournalTaken(Model):
    added: int
    counter: int = Field(description="of the last entry known")


class LookupModel(Model):
    """Whom a clerk looked up, and why."""

    holder_key: Base64Text = Field(description="raw public key of the citizen")
    operator: str = Field(min_length=1, max_length=MAX_OPERATOR, examples=["first"])
    reason: str = Field(min_length=1, max_length=MAX_REASON)
    claims: list[_Slot] = Field(max_length=1024, description="slots of the contribution certificate")
    time: int = Field(ge=0, le=2**40, description="POSIX seconds")
