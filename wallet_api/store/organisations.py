"""Organisations as their registrations name them, reminders, and the outbox of what they are to be told."""

from __future__ import annotations

from dataclasses import dataclass

from wallet_api.store.statements import Statements

__all__ = ["HookRow", "OrganisationRow", "OrganisationStatements", "OutboxRow"]

_ORGANISATION = "org, name_zh, name_en, skeleton_zh, skeleton_en, request_key, since, suspended"
_HOOK = "org, id, url, wrapped_secret, created"
_OUTBOX = "request, state, org, attempts, next_try"


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """The newest registration seen of an organisation; `since` is its first day, `suspended` when it was stopped."""

    org: int
    name_zh: str
    name_en: str
    skeleton_zh: str
    skeleton_en: str
    request_key: bytes
    since: int
    suspended: int | None


@dataclass(frozen=True, slots=True)
class HookRow:
    """Where an organisation wants to be told, and the wrapped secret that signs what it is told."""

    org: int
    id: bytes
    url: str
    wrapped_secret: bytes
    created: int


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message still to be delivered: a request reached a state."""

    request: bytes
    state: str
    org: int
    attempts: int
    next_try: int


class OrganisationStatements(Statements):
    """Absent rows read as None."""

    __slots__ = ()

    def organisation(self, org: int) -> OrganisationRow | None:
        row = self._one(f"SELECT {_ORGANISATION} FROM organisations WHERE org = ?", org)  # noqa: S608 - our own names
        return None if row is None else OrganisationRow(*row)

    def put_organisation(self, row: OrganisationRow) -> None:
        self._execute("DELETE FROM organisations WHERE org = ?", (row.org,))
        values = (
            row.org, row.name_zh, row.name_en, row.skeleton_zh, row.skeleton_en, row.request_key, row.since,
            row.suspended,
        )  # fmt: skip
        self._insert("organisations", _ORGANISATION, values)

    def organisations_named_like(
        self, skeletons: tuple[str, str], *, but: int, limit: int
    ) -> list[OrganisationRow]:
        """Other organisations than `but` whose name in either language has one of the skeletons."""
        sql = (
            f"SELECT {_ORGANISATION} FROM organisations WHERE org <> ? AND"  # noqa: S608 - our own names
            " (skeleton_zh IN (?, ?) OR skeleton_en IN (?, ?)) ORDER BY org LIMIT ?"
        )
        return [OrganisationRow(*row) for row in self._execute(sql, (but, *skeletons, *skeletons, limit))]

    def add_reminder(self, request: bytes, time: int) -> None:
        self._insert("reminders", "request, time", (request, time))

    def reminder(self, request: bytes) -> int | None:
        """When it was reminded of."""
        row = self._one("SELECT time FROM reminders WHERE request = ?", request)
        return None if row is None else int(row[0])

    def reminded_requests(self, safe: bytes, *, now: int, limit: int) -> list[bytes]:
        """Ids of waiting requests that this safe has seen and was reminded of."""
        sql = (
            "SELECT reminders.request FROM reminders JOIN seen ON seen.request = reminders.request"
            " JOIN requests ON requests.id = reminders.request"
            " WHERE seen.safe = ? AND requests.state = 'waiting' AND requests.expires > ?"
            " ORDER BY reminders.time, reminders.request LIMIT ?"
        )
        return [bytes(row[0]) for row in self._execute(sql, (safe, now, limit))]

    def put_hook(self, row: HookRow) -> None:
        self._execute("DELETE FROM webhooks WHERE org = ?", (row.org,))
        self._insert("webhooks", _HOOK, (row.org, row.id, row.url, row.wrapped_secret, row.created))

    def hook(self, org: int) -> HookRow | None:
        row = self._one(f"SELECT {_HOOK} FROM webhooks WHERE org = ?", org)  # noqa: S608 - our own names
        return None if row is None else HookRow(*row)

    def hooks(self) -> list[HookRow]:
        return [HookRow(*row) for row in self._execute(f"SELECT {_HOOK} FROM webhooks ORDER BY org")]  # noqa: S608 - our own names

    def delete_hook(self, org: int) -> None:
        self._execute("DELETE FROM webhook_outbox WHERE org = ?", (org,))
        self._execute("DELETE FROM webhooks WHERE org = ?", (org,))

    def enqueue_message(self, request: bytes) -> None:
        """Put the request's present state into the outbox, if its organisation wants to be told."""
        self._execute(
            "INSERT INTO webhook_outbox (request, state, org, attempts, next_try)"
            " SELECT requests.id, requests.state, requests.org, 0, 0 FROM requests"
            " JOIN webhooks ON webhooks.org = requests.org WHERE requests.id = ? AND NOT EXISTS"
            " (SELECT 1 FROM webhook_outbox WHERE request = requests.id AND state = requests.state)",
            (request,),
        )

    def due_messages(self, *, now: int, limit: int) -> list[OutboxRow]:
        sql = f"SELECT {_OUTBOX} FROM webhook_outbox WHERE next_try <= ? ORDER BY next_try LIMIT ?"  # noqa: S608 - our own names
        return [OutboxRow(*row) for row in self._execute(sql, (now, limit))]

    def try_again(self, row: OutboxRow, *, attempts: int, at: int) -> None:
        sql = "UPDATE webhook_outbox SET attempts = ?, next_try = ? WHERE request = ? AND state = ?"
        self._execute(sql, (attempts, at, row.request, row.state))

    def delivered(self, row: OutboxRow) -> None:
        self._execute("DELETE FROM webhook_outbox WHERE request = ? AND state = ?", (row.request, row.state))

    def undelivered(self, org: int) -> int:
        row = self._one("SELECT COUNT(*) FROM webhook_outbox WHERE org = ?", org)
        assert row is not None
        return int(row[0])
