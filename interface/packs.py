"""Template packs: standards kept as data, read into the domain's own shapes."""

from dataclasses import dataclass
from importlib.resources import files

import yaml
from pydantic import TypeAdapter

from domain.standard import Duty, Flow, bpmn


@dataclass(frozen=True)
class Pack:
    """A standard as data: what to draft, draw, separate and define before it is published."""

    code: str
    title: str
    area: str
    authority: str
    flow: Flow
    separate: tuple[tuple[str, str], ...]
    duties: tuple[Duty, ...]


_DUTIES: TypeAdapter[tuple[Duty, ...]] = TypeAdapter(tuple[Duty, ...])


def standard_pack(name: str) -> Pack:
    """Read the pack of a standard that the program ships."""
    folder = files("templates").joinpath("standards")
    given = yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text("utf-8"))
    return Pack(
        code=given["code"],
        title=given["title"],
        area=given["area"],
        authority=given["authority"],
        flow=bpmn.read(folder.joinpath(given["flow"]).read_bytes()),
        separate=tuple((one, other) for one, other in given["separate"]),
        duties=_DUTIES.validate_python(given["duties"], strict=False),
    )
