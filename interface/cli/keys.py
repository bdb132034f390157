"""The keys with which the log is signed, and what of them is public."""

from enum import StrEnum
from typing import Annotated, get_args

import typer

from application import keys
from domain.event import Refused
from domain.keyring import Keyring
from domain.keyring import Role as Signs
from domain.note import Key, decode
from interface.cli.common import Json, installation, parse_key, show, table
from interface.settings import Settings


class Role(StrEnum):
    """What a key is for."""

    log = keys.LOG
    writer = keys.WRITER
    witness = keys.WITNESS


Of = Annotated[Signs, typer.Option("--role", help="Whether it seals the log, or signs what is written to it.")]
Public = Annotated[
    str, typer.Option(metavar="BASE64", help="Of a key that TAIZHANG_SIGN_COMMAND signs with: its 32 public bytes.")
]
Reason = Annotated[str, typer.Option(help="Why, as it goes on record.")]
Person = Annotated[str, typer.Option(metavar="NAME", help="Who decides.")]

app = typer.Typer(help="The keys with which the log is signed.", no_args_is_help=True)


@app.callback()
def keys_() -> None:
    """The keys with which the log is signed."""


@app.command()
def create(
    origin: Annotated[
        str,
        typer.Option(metavar="NAME", help="The log's name for ever, best an address: records.anji.example/log."),
    ],
    log_public: Public = "",
    writer_public: Public = "",
    as_json: Json = False,
) -> None:
    """Make the log's key and the writer's, in files of their own, and print the log's public key."""
    given = {keys.LOG: _public(log_public), keys.WRITER: _public(writer_public)}
    _show(keys.create_for_log(Settings.read().keys, origin, given).key, as_json=as_json)


@app.command("show")
def show_(
    role: Annotated[Role, typer.Option(help="Which: the log's, its writer's, or a witness's.")] = Role.log,
    as_json: Json = False,
) -> None:
    """Print a name and public key: what an inspector pins, and should have from you by another way."""
    key = keys.load(Settings.read().keys, role).key
    _show(key, as_json=as_json, named="origin" if role is Role.log else "name")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the keys that speak for the log, or did, and whether their secrets are here."""
    with installation() as at:
        ring = at.keyrings.keyring()
        here: list[tuple[Signs, Key]] = [(role, key) for role in get_args(Signs) for key in _here(role)]
        known = [*ring.keys, *(each for each in here if each not in ring.keys)]
        rows = [
            {
                "role": role,
                "vkey": str(key),
                "state": "retired" if key in ring.retired else "in force" if _speaks(ring, role, key) else "not added",
                "here": (role, key) in here,
            }
            for role, key in known
        ]
    show(
        {"keys": rows},
        lambda: table(("role", "vkey", "state", "here"), (list(each.values()) for each in rows)),
        as_json=as_json,
    )


@app.command()
def make(role: Of = "log", public: Public = "", as_json: Json = False) -> None:
    """Make one more key in this machine's folder and print its public half, to be added where the log is."""
    folder = Settings.read().keys
    made = keys.create_next(folder, role, keys.load(folder, role).key.name, _public(public))
    _show(made.key, as_json=as_json, named="name")


@app.command()
def add(
    reason: Reason,
    role: Of = "log",
    key: Annotated[str, typer.Option(metavar="VKEY", help="One made elsewhere; else one is made here.")] = "",
    before: Annotated[str, typer.Option(metavar="VKEY", help="The key so far, if it is not here.")] = "",
    person: Person = "administrator",
    as_json: Json = False,
) -> None:
    """Add a key to the log, on record: from then on it signs beside those before it, until they are retired."""
    folder = Settings.read().keys
    with installation() as at:
        ring = at.keyrings.keyring()
        held = parse_key(before, "before") if before else next(iter(ring.in_force(role) or _here(role)), None)
        if held is None:
            raise Refused("the key that signed until now is not here: give its public half", field="before")
        added = parse_key(key, "key") if key else _unused(ring, role) or keys.create_next(folder, role, held.name).key
        receipt = at.keyrings.add(at.act(person, reason, "operator"), role, added, held)
    show(
        {"vkey": str(added), "position": receipt.position},
        lambda: [str(added), f"added at position {receipt.position}"],
        as_json=as_json,
    )


@app.command()
def retire(
    key: Annotated[str, typer.Argument(metavar="VKEY", help="Which key: see the list.")],
    reason: Reason,
    person: Person = "administrator",
    as_json: Json = False,
) -> None:
    """Retire a key, on record: nothing that comes after is signed with it; what it signed holds for ever."""
    with installation() as at:
        receipt = at.keyrings.retire(at.act(person, reason, "operator"), parse_key(key, "key"))
    show({"position": receipt.position}, lambda: [f"retired at position {receipt.position}"], as_json=as_json)


def _here(role: Signs) -> list[Key]:
    folder = Settings.read().keys
    return [each.key for each in keys.load_all(folder, role)] if keys.has(folder, role) else []


def _speaks(ring: Keyring, role: Signs, key: Key) -> bool:
    """Whether a key is in force: of a role that nothing was added to, the first."""
    return key in (ring.in_force(role) or _here(role)[:1])


def _unused(ring: Keyring, role: Signs) -> Key | None:
    """A key that was made here and never added, as after an interruption."""
    return next((key for key in _here(role)[1:] if (role, key) not in ring.keys), None)


def _public(text: str) -> bytes:
    try:
        public = decode(text)
    except ValueError:
        public = b""
    if text and len(public) != keys.PUBLIC:
        raise Refused("a public key has {bytes} bytes, in base64", field="public", bytes=keys.PUBLIC)
    return public


def _show(key: Key, *, as_json: bool, named: str = "origin") -> None:
    show({named: key.name, "vkey": str(key)}, lambda: [str(key)], as_json=as_json)
