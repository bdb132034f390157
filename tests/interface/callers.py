"""Who calls the service over HTTP in these tests, and what they speak of."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from httpx2 import Response
from starlette.testclient import TestClient

from domain.organisation import organisation_id
from domain.standard import standard_id

TOWN, VILLAGE = organisation_id("330523110"), organisation_id("330523110201")
PERMITS = standard_id("permits")
FLOW = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:test">
  <process id="p"><startEvent id="s"/><task id="a" name="收件"/><task id="b" name="审查"/><task id="c" name="发证"/>
    <endEvent id="e"/><sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
    <sequenceFlow id="f2" sourceRef="a" targetRef="b"/><sequenceFlow id="f3" sourceRef="b" targetRef="c"/>
    <sequenceFlow id="f4" sourceRef="c" targetRef="e"/></process></definitions>
"""


@dataclass
class Person:
    """Somebody with a token, and the client through which they speak; what they do is seen by what they read next."""

    client: TestClient
    id: UUID
    token: str
    seen: dict[str, int] = field(default_factory=dict)

    def get(self, path: str, **more: Any) -> Response:
        """Read, once everything that anybody here recorded is folded."""
        headers, params = self._headers(more), dict(more.pop("params", {}))
        if self.seen:
            params["after_position"] = self.seen["position"]
        return self.client.get(f"/api{path}", params=params, headers=headers, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        if body is not None:
            more["json"] = body
        answer = self.client.post(f"/api{path}", headers=self._headers(more), **more)
        if position := answer.headers.get("Taizhang-Position"):
            self.seen["position"] = max(int(position), self.seen.get("position", 0))
        return answer

    def did(self, path: str, body: Any = None, **more: Any) -> Any:
        """Command, and see it done."""
        answer = self.post(path, {} if body is None else body, **more)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def saw(self, path: str, **more: Any) -> Any:
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _headers(self, more: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
