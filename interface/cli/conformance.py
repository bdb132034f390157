"""Flow conformance: a standard's cases held against its flow."""

from collections.abc import Iterator

from domain.event import Refused
from domain.standard import Standard, standard_id
from interface.cli.common import Json, KnownAt, installation, level, show


def conformance(code: str, known_at: KnownAt = None, as_json: Json = False) -> None:
    """Hold a standard's cases against its flow, counted in cases (流程符合性)."""
    with installation() as at:
        if at.records.load(Standard, standard_id(code), fresh=True).standing == "absent":
            raise Refused("there is no standard {code}", field="code", code=code)
        found = at.board.conformance(standard_id(code), level(at, "conformance", known_at)).json()

    def lines() -> Iterator[str]:
        yield f"{found['cases']} cases, {found['steps']} steps, {found['faultless']} cases without a fault"
        for kind, count in found.items():
            if isinstance(count, dict):
                yield f"{kind.replace('_', ' ')}: {count['cases']} cases"
                yield from (f"  {cases:>6}  {step}" for step, cases in count["by_step"].items())

    show(found, lines, as_json=as_json)
