"""The tables of organisations: their names and keys as registered, reminders, and where they want to be told."""

from __future__ import annotations

from typing import Final

from wallet_api.store.ddl import Step, Table, index

__all__ = ["ORGANISATIONS"]

ORGANISATIONS: Final = Step(
    tables=(
        Table(
            "organisations",
            "org INTEGER PRIMARY KEY, name_zh TEXT NOT NULL, name_en TEXT NOT NULL, skeleton_zh TEXT NOT NULL,"
            " skeleton_en TEXT NOT NULL, request_key BLOB NOT NULL, since INTEGER NOT NULL, suspended INTEGER",
        ),
        Table("reminders", "request BLOB PRIMARY KEY REFERENCES requests (id), time INTEGER NOT NULL"),
        Table(
            "webhooks",
            "org INTEGER PRIMARY KEY, id BLOB NOT NULL, url TEXT NOT NULL, wrapped_secret BLOB NOT NULL,"
            " created INTEGER NOT NULL",
        ),
        Table(
            "webhook_outbox",
            "request BLOB NOT NULL REFERENCES requests (id), state TEXT NOT NULL, org INTEGER NOT NULL,"
            " attempts INTEGER NOT NULL, next_try INTEGER NOT NULL, PRIMARY KEY (request, state)",
        ),
    ),
    then=(
        index("organisations_by_zh", "organisations (skeleton_zh)"),
        index("organisations_by_en", "organisations (skeleton_en)"),
        index("webhook_outbox_due", "webhook_outbox (next_try)"),
    ),
)
