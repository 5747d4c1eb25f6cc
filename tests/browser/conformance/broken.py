"""Bundles with something wrong in them: most of them signed all the same, so that what they hold is read."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from certificate.cose import encode_sign1, parse_sign1, sig_structure
from certificate.keys import CoseSigner
from certificate.log_files import Milestones, encode_milestones
from certificate.numbers import Environment, Typ
from certificate.policy.shipped import shipped_files
from certificate.template.shipped import shipped_template_files
from ledger.cbor import encode_cbor
from tests.browser.conformance.bench import Bench
from tests.torture.mutating import mutate_bytes, mutate_structure, mutate_text
from tests.world import DAY, SECONDS, World, signer
from verifier.endorsed import LIVE_ROLE, TARGETS_NAME, canonical_json, is_live_name, tuf_key, tuf_key_id
from verifier.held import milestones_file_name
from verifier.trust import BUNDLE_NAME, DIRECTORY_NAME, POLICY_NAME, sign_bundle

__all__ = ["add_broken", "add_endorsed", "endorsed_files", "listed"]

_VALUES: tuple[object, ...] = (
    None, True, 0, 1, -1, 24, 65535, 65536, 2**31, 2**53, 2**62, 2**62 + 1, 2**63, "", "x", "测试", "\u202e", "x" * 400,
    b"", bytes(31), bytes(32), b"\x01" + bytes(31), (), ((),), (1,),
)  # fmt: skip
_ROOTS = tuple(signer(f"root {number}") for number in range(3))
_LIVE = signer("live")


def add_broken(bench: Bench, count: int, *, seed: int) -> None:
    """Bundles under one root key."""
    chance = random.Random(seed)
    world = World()
    honest, other = _whole(world, 1), _whole(World(), 2)
    assert bench.open(honest).trust is not None
    for _ in range(count):
        try:
            files = _broken(chance, honest, other, root=world.root)
        except TypeError:
            continue  # a hash that reads as a tag of CBOR by chance
        bench.open(files)


def add_endorsed(bench: Bench, count: int, *, seed: int) -> None:
    """Bundles under three root keys, with a `targets.json` that is wrong in one way or signed by the wrong ones."""
    chance = random.Random(seed)
    keys = [key.public_key for key in _ROOTS]
    honest = endorsed_files(_whole(World(), 1))
    assert bench.open(honest, keys).trust is not None
    for _ in range(count):
        files = dict(honest)
        document = json.loads(files[TARGETS_NAME])
        match chance.randrange(6):
            case 0:
                name = chance.choice([name for name in honest if name not in (BUNDLE_NAME, TARGETS_NAME)])
                files[name] = mutate_bytes(files[name], [files[name]], chance)
                files = listed(files, _LIVE)
            case 1:
                files[TARGETS_NAME] = mutate_bytes(files[TARGETS_NAME], [files[TARGETS_NAME]], chance)
                files = listed(files, _LIVE)
            case 2:
                text = files[TARGETS_NAME].decode()
                files[TARGETS_NAME] = mutate_text(text, [text], chance).encode()
                files = listed(files, _LIVE)
            case 3:
                _change_json(chance, document["signed"])
                files = listed(
                    files | {TARGETS_NAME: _signed(document["signed"], chance.randrange(4))}, _LIVE
                )
            case 4:
                _change_json(chance, document)
                files = listed(files | {TARGETS_NAME: canonical_json(document)}, _LIVE)
            case _:
                del files[chance.choice(sorted(files))]
        pinned = chance.choice((keys, keys, keys, keys[:1], keys[:2], keys[::-1], [*keys, keys[0]], []))
        bench.open(files, pinned)


def endorsed_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files as three roots and an online key sign them."""
    directory = parse_sign1(files[DIRECTORY_NAME], Typ.DIRECTORY)
    kept = dict(files) | {DIRECTORY_NAME: _again(directory.payload_bytes, _LIVE, Typ.DIRECTORY)}
    kept.pop(BUNDLE_NAME)
    offline = {name: data for name, data in kept.items() if not is_live_name(name)}
    live = tuf_key_id(_LIVE.public_key)
    role = {
        "keyids": [live], "name": LIVE_ROLE, "paths": ["bundle.cose"], "terminating": True, "threshold": 1,
    }  # fmt: skip
    signed = {
        "_type": "targets",
        "delegations": {"keys": {live: tuf_key(_LIVE.public_key)}, "roles": [role]},
        "expires": "2027-11-24T09:00:00Z",
        "spec_version": "1.0.31",
        "targets": {
            name: {"hashes": {"sha256": sha256(data).hexdigest()}, "length": len(data)}
            for name, data in sorted(offline.items())
        },
        "version": 1,
    }
    return listed(kept | {TARGETS_NAME: _signed(signed, 3)}, _LIVE)


def _whole(world: World, number: int) -> dict[str, bytes]:
    """A bundle with a file of each kind; `number` makes two differ."""
    world.certificate(world.body(status_index=number))
    shipped, forms = sorted(shipped_files().items()), sorted(shipped_template_files().items())
    marks = Milestones(1, ((1, SECONDS - 30 * DAY), (len(world.log.entries), SECONDS - 7200 - number)))
    others = {**world.log.held_files(), milestones_file_name(1): encode_milestones(marks)}
    return world.bundle_files(
        policies=[content for _, content in shipped[number : number + 3]],
        templates=[content for _, content in forms[number : number + 3]],
        token=world.status_token(statuses={number: 1}),
        others=others,
        version=number,
    )


def _broken(
    chance: random.Random, honest: Mapping[str, bytes], other: Mapping[str, bytes], *, root: CoseSigner
) -> dict[str, bytes]:
    files = dict(honest)
    name = chance.choice(sorted(files))
    where = chance.randrange(12)
    if where == 0:
        del files[name]
        return files
    if where == 1:
        files[name] = mutate_bytes(files[name], [other.get(name, b"x")], chance)
        return files
    if where == 2:
        files[chance.choice(("x.txt", "status-1-00.cwt", "status-2-0.cwt", "checkpoint-9.txt", "a"))] = files[
            name
        ]
        return listed(files, root)
    if name == BUNDLE_NAME:
        honest_payload = parse_sign1(files[name], Typ.BUNDLE).payload
        files[name] = _again(_payload(chance, honest_payload, honest_payload), root, Typ.BUNDLE)
        return files
    if name == DIRECTORY_NAME:
        payload, foreign = (parse_sign1(each[name], Typ.DIRECTORY).payload for each in (honest, other))
        files[name] = _again(_payload(chance, payload, foreign), root, Typ.DIRECTORY)
    elif name == POLICY_NAME or name.endswith((".toml", ".txt")):
        foreign_text = other.get(name, files[name]).decode()
        files[name] = mutate_text(files[name].decode(), [foreign_text], chance).encode(
            "utf-8", "surrogatepass"
        )
    elif name.endswith(".json"):
        files[name] = mutate_text(files[name].decode(), [files[name].decode()], chance).encode()
    else:
        files[name] = mutate_structure(files[name], [other.get(name, files[name])], chance)
    return listed(files, root)


def listed(files: Mapping[str, bytes], root: CoseSigner) -> dict[str, bytes]:
    """The files under a manifest of their own."""
    kept = {name: content for name, content in files.items() if name != BUNDLE_NAME}
    times = {"issued": SECONDS - 3600, "expires": SECONDS + 8 * DAY}
    return kept | {BUNDLE_NAME: sign_bundle(root, kept, environment=Environment.TEST, version=1, **times)}


def _payload(chance: random.Random, payload: Any, other: Any) -> bytes:
    """A payload with a field, a row or a row's field exchanged."""
    if chance.random() < 0.3:
        return mutate_structure(encode_cbor(payload), [encode_cbor(other)], chance)
    return encode_cbor(_exchanged(chance, payload))


def _exchanged(chance: random.Random, value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value or chance.random() < 0.2:
        return chance.choice(_VALUES)
    fields = [*value]
    at = chance.randrange(len(fields))
    match chance.randrange(8):
        case 0:
            del fields[at]
        case 1:
            fields.insert(at, fields[chance.randrange(len(fields))])
        case _:
            fields[at] = _exchanged(chance, fields[at])
    return fields


def _again(payload: bytes, key: CoseSigner, typ: Typ) -> bytes:
    protected = parse_sign1(
        sign_bundle(key, {}, environment=Environment.TEST, version=1, issued=0, expires=0), Typ.BUNDLE
    )
    header = encode_cbor({**protected.headers, 16: int(typ)})
    return encode_sign1(header, payload, key.sign(sig_structure(header, payload)))


def _signed(signed: Any, signers: int) -> bytes:
    """A targets.json that so many of the roots signed."""
    message = canonical_json(signed)
    rows = [{"keyid": tuf_key_id(key.public_key), "sig": key.sign(message).hex()} for key in _ROOTS[:signers]]
    return canonical_json({"signatures": rows, "signed": signed})


_JSON: tuple[Any, ...] = (
    None, True, 0, 1, 2, -1, 10**20, 1.5, "", "x", "targets", "00", "AB", "zz", "0" * 64, [], {}, [{}], ["x"], {"x": 1},
)  # fmt: skip


def _change_json(chance: random.Random, value: Any) -> None:
    """Exchange, drop or double one member somewhere below."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(value[key], dict | list) or not value[key] or chance.random() < 0.25:
            break
        value = value[key]
    match chance.randrange(5):
        case 0:
            del value[key]
        case 1 if isinstance(value, dict):
            value[f"{key}x"] = value[key]
        case 2 if isinstance(value, list):
            value.append(value[key])
        case _:
            value[key] = chance.choice(_JSON)
