"""`tally org`: organisations: who may ask, and asking many people at once."""

from __future__ import annotations

import click

from cli.lazy import LazyGroup

__all__ = ["org"]

# command -> (module, attribute, line for --help)
_COMMANDS = {
    "register": ("cli.registrations", "register", "Register an organisation for a year, or renew it."),
    "list": ("cli.registrations", "list_", "List registered organisations."),
    "suspend": ("cli.registrations", "suspend", "Stop an organisation from making new requests."),
    "new-key": ("cli.org_keys", "new_key", "Make a request key, the present one's successor if you like."),
    "rollover": ("cli.org_keys", "rollover", "Register the key that the present one names as its successor."),
    "resume": ("cli.org_keys", "resume", "Let a suspended organisation ask again, with another key."),
    "announce": ("cli.org_keys", "announce", "Tell a wallet service that the request key changed."),
    "hires": ("cli.hires", "hires", "Ask a list of people, and collect their answers."),
}


@click.command(cls=LazyGroup, places=_COMMANDS)
def org() -> None:
    """Organisations: who may ask citizens, what for, and which claims; and asking many people at once.

    Example: tally org list --home home
    """
