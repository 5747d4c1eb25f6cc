"""The tests' world as a desk meets it: the bundle in a folder, requests with their nonces, people who answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certificate.certificate import (
    UnverifiedCertificate,
    encode_certificate,
    issue_certificate,
    parse_certificate,
)
from certificate.holding import present
from certificate.keys import Ed25519CoseSigner
from certificate.qr_text import encode_qr_text
from certificate.slot_tree import ClaimsTree
from certificate.slots import ClaimValue
from tests.browser.site import Site
from tests.world import (
    REGISTRY,
    SECONDS,
    SLOTS_24,
    Log,
    World,
    claims_of_60_months,
    other_entries,
    signer,
)
from verifier.trust_dir import ROOT_KEYS_NAME, format_root_keys

__all__ = ["DeskTown", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a key and a certificate in the log of the town."""

    name: str
    key: Ed25519CoseSigner
    certificate: bytes

    def answer(
        self,
        request: bytes,
        slots: Sequence[int] = SLOTS_24,
        *,
        issued: int = SECONDS - 30,
        lifetime: int = 10,
    ) -> bytes:
        """The tagged bytes of an answer to `request`."""
        return present(self.key, self.certificate, request, slots, issued=issued, lifetime=lifetime)

    def answer_text(self, request: bytes, slots: Sequence[int] = SLOTS_24) -> str:
        """The same as their phone shows it: `TS1:…`."""
        return encode_qr_text(self.answer(request, slots))


@dataclass
class DeskTown:
    """One log in which all people's certificates stand; `bundle_files()` names and opens it."""

    names: Sequence[str] = ("测试甲", "测试乙")
    world: World = field(default_factory=World)
    people: list[Person] = field(init=False)
    paper: bytes = field(init=False)

    def __post_init__(self) -> None:
        drafts = [_draft(self.world, number, name) for number, name in enumerate(self.names)]
        paper = _draft(self.world, len(self.names), "测试丙", paper=True)
        self.world.log = Log(
            sorted([*other_entries(300), *(draft.signed.entry() for draft in [*drafts, paper])])
        )
        self.people = [Person(draft.name, draft.key, draft.shown(self.world.log)) for draft in drafts]
        name = REGISTRY.slot_of("name", cut_off=202610)
        self.paper = paper.shown(self.world.log, slots=sorted({name, *SLOTS_24}))

    def request(self, number: int = 1, **changes: object) -> bytes:
        """The desk's request number `number`, with its own nonce; without one where `nonce=None` is given."""
        return self.world.request(**{"nonce": b"%016d" % number, **changes})  # type: ignore[arg-type]  # its fields

    def trust_files(self, *, version: int = 1, issued: int = SECONDS - 3600) -> dict[str, bytes]:
        """What stands in the trust folder beside the page."""
        held = self.world.log.held_files()
        files = self.world.bundle_files(version=version, issued=issued, others=held)
        return files | {ROOT_KEYS_NAME: format_root_keys([self.world.root.public_key]).encode()}

    def lay_trust(self, site: Site, **changes: int) -> None:
        """Serve the folder under /trust/."""
        for name, data in self.trust_files(**changes).items():
            site.put(f"/trust/{name}", data)

    def save_trust(self, folder: Path, **changes: int) -> None:
        """The same folder on disk."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.trust_files(**changes).items():
            (folder / name).write_bytes(data)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A signed certificate that is not logged yet."""

    name: str
    key: Ed25519CoseSigner
    tree: ClaimsTree
    signed: UnverifiedCertificate

    def shown(self, log: Log, *, slots: Sequence[int] | None = None) -> bytes:
        opened = self.tree.disclose(self.tree.slots if slots is None else slots)
        return encode_certificate(self.signed.sign1, *opened, log.prove(self.signed.entry()))


def _draft(world: World, number: int, name: str, *, paper: bool = False) -> _Draft:
    key = signer(f"person {number}")
    tree = ClaimsTree.from_seed(REGISTRY, b"%032d" % number, _claims_of(name, number))
    body = world.body(
        claims_root=tree.root(), status_index=100 + number, cnf=None if paper else key.public_key
    )
    return _Draft(name, key, tree, parse_certificate(issue_certificate(world.office, body)))


def _claims_of(name: str, number: int) -> dict[int, ClaimValue]:
    tail = f"{17 + number:04d}"
    own = {"name": name, "id_tail": tail, "id_no": f"99000019900101{tail}"}
    return claims_of_60_months() | {
        REGISTRY.slot_of(claim, cut_off=202610): value for claim, value in own.items()
    }
