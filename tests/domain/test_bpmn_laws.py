"""Whatever bytes are given, they are read as a flow or refused with a sentence; nothing else happens."""

import re
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.event import Refused
from domain.standard import bpmn, check
from tests.domain.dialects import CAMUNDA, SIGNAVIO

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

DOCUMENTS = [
    CAMUNDA.encode(),
    SIGNAVIO.encode(),
    CAMUNDA.encode("utf-16"),
    CAMUNDA.replace("UTF-8", "GBK").encode("gbk"),
]
SPLINTERS = [
    *(b"<", b">", b"&", b'"', b"}", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"&#0;", b"&#xFFFE;", b"&#x10FFFF;"),
    *(b"<!DOCTYPE a>", b"<![CDATA[x]]>", b"<?pi x?>", b"<!-- -->", b'xmlns=""', b'xmlns:x="a}b"', b'id=""'),
]
QUOTED = re.compile(rb'"[^"]*"')
ELEMENT = re.compile(rb"<[^<>]*/>")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document in which something is cut out, put in, exchanged or repeated."""
    xml = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(xml)))
        match draw(st.sampled_from(["cut", "byte", "splinter", "value", "repeat"])):
            case "cut":
                xml = xml[:at] + xml[at + draw(st.integers(1, 100)) :]
            case "byte":
                xml = xml[:at] + draw(st.binary(min_size=1, max_size=3)) + xml[at + 1 :]
            case "splinter":
                xml = xml[:at] + draw(st.sampled_from(SPLINTERS)) + xml[at:]
            case "value":
                values = [*QUOTED.finditer(xml)]
                if values:
                    one, other = draw(st.sampled_from(values)), draw(st.sampled_from(values))
                    xml = xml[: one.start()] + other[0] + xml[one.end() :]
            case _:
                elements = [*ELEMENT.finditer(xml)]
                if elements:
                    one = draw(st.sampled_from(elements))
                    xml = xml[: one.end()] + one[0] + xml[one.end() :]
    return xml


def refusal(attempt: Callable[[], object]) -> Refused | None:
    try:
        attempt()
    except Refused as refused:
        return refused
    return None


def read_or_refused(xml: bytes) -> None:
    if refused := refusal(lambda: bpmn.read(xml)):
        assert refused.field == "file"
        assert len(str(refused)) < 500
        return
    flow = bpmn.read(xml)
    if refused := refusal(lambda: check(flow)):
        assert refused.field == "flow"
        assert len(str(refused)) < 5000
        return
    drawn = bpmn.read(bpmn.write(flow, "code", "title"))
    assert drawn.steps == flow.steps
    assert bpmn.read(bpmn.write(drawn, "code", "title")) == drawn


@settings(PATIENT, max_examples=500)
@examples(damaged())
def test_a_damaged_document_is_read_or_refused(xml: bytes) -> None:
    read_or_refused(xml)


@settings(PATIENT, max_examples=300)
@examples(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f"<a>{text}</a>".encode()))
def test_any_bytes_are_read_or_refused(xml: bytes) -> None:
    read_or_refused(xml)


@settings(PATIENT, max_examples=100)
@examples(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.:", max_size=20), st.sampled_from(DOCUMENTS[:2]))
def test_any_declared_encoding_is_read_or_refused(encoding: str, xml: bytes) -> None:
    read_or_refused(xml.replace(b"UTF-8", encoding.encode()))


def test_a_refusal_is_a_sentence_however_long_the_names_in_the_document_are() -> None:
    long = b"a" * 100_000
    for before, after in [
        (b"userTask", long),
        (b'id="A1"', b'id="' + long + b'"'),
        (b'sourceRef="A1"', b'sourceRef="' + long + b'"'),
        (b"definitions", long),
        (b"20100524/MODEL", long),
        (b'default="F4"', b'default="' + long + b'"'),
        (b'x="230"', b'x="' + long + b'"'),
        (b'name="\xe5\xae\xa1\xe6\x9f\xa5"', b'name="' + long + b'"'),
    ]:
        assert before in DOCUMENTS[0]
        read_or_refused(DOCUMENTS[0].replace(before, after))
