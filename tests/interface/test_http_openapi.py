"""The OpenAPI document and the service agree: what follows it is answered as it says, and what does not is refused."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.result import Ok
from starlette.testclient import TestClient

from application.seal import Sealer
from domain.action import Duty
from tests.interface.callers import PERMITS, VILLAGE, Person

# Rules refuse much of what is well formed; whether a token is needed is told by tests of its own.
LEFT_OUT = ("positive_data_acceptance", "ignored_auth", "object_level_authorization", "use_after_free")
EXAMPLES = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 3}


def recorded(path: str) -> dict[str, Any]:
    """What is recorded under a path's identifier, so that half of the calls get further than “nothing is known”."""
    if "{name}" in path:
        return {"name": "ledger"}
    if "{id}" in path:
        return {"id": str(PERMITS if path.startswith("/api/standards") else VILLAGE)}
    return {}


def exercise(client: TestClient, token: str, mode: GenerationMode, examples: int) -> set[int]:
    """Call every operation as somebody, some times each; return the statuses answered, all as the document says."""
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    checks.load_all_checks()
    left_out: Any = checks.CHECKS.get_by_names(LEFT_OUT)
    authorised = {"Authorization": f"Bearer {token}"}
    answered = set()

    def call(case: Case[Any]) -> None:
        sent = case.as_transport_kwargs(headers=authorised)
        sent.pop("cookies")
        if "data" in sent:
            sent["content"] = sent.pop("data")
        answer = client.request(**sent)
        answered.add(answer.status_code)
        case.validate_response(answer, excluded_checks=left_out, headers=authorised)

    few = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture),
    )
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue
        few(given(operation.as_strategy(mode))(call))()
        if known := recorded(operation.path):
            few(given(operation.as_strategy(mode, path_parameters=known))(call))()
    return answered


# It is other threads that draw from it meanwhile: a pool spreads the ages of its connections at random.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.usefixtures("village", "permits")
@pytest.mark.parametrize("mode", EXAMPLES)
def test_whatever_is_sent_is_answered_as_the_document_says(
    mode: GenerationMode, client: TestClient, ann: Person, sealer: Sealer
) -> None:
    sealer.seal()
    answered = exercise(client, ann.token, mode, EXAMPLES[mode])
    assert 200 in answered or mode is GenerationMode.NEGATIVE
    assert not answered & {500, 503}


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.usefixtures("village", "permits")
@pytest.mark.parametrize("duty", get_args(Duty))
def test_each_role_is_answered_as_the_document_says(
    duty: Duty, client: TestClient, person: Callable[..., Person], sealer: Sealer
) -> None:
    sealer.seal()
    answered = exercise(client, person(f"holder of {duty}", duty, VILLAGE).token, GenerationMode.POSITIVE, 1)
    assert {200, 403, 404} <= answered
    assert not answered & {500, 503}
