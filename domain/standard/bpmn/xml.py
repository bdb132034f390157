"""XML as a tree of elements, without their text: well-formed, of no document type, and no larger than drawings are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate

from domain.event import Refused

# Bytes of a document, its elements, and how deep they nest, before it is refused.
LARGEST: Final = 5_000_000
MOST: Final = 200_000
DEEPEST: Final = 100

# How a document in Unicode begins, whatever it declares: editors change the one and leave the other.
_BEGINNINGS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
# Declared names of encodings by how they begin, and how such a document is read; GB 18030 holds all that GBK holds.
_CHINESE = (("gb", "gb18030"), ("cp936", "gb18030"), ("big5", "big5hkscs"))
# Those that the parser knows, or that have one byte to a character. Python has others, which are no encodings of text.
_PARSED = re.compile(r"utf-8|(us-)?ascii|iso-8859-\d{1,2}|(windows-|cp)125\d")


@dataclass(slots=True)
class Element:
    """``space`` is the namespace that its prefix stands for, ``line`` where it begins, from 1."""

    space: str
    tag: str
    line: int
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list["Element"])

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")

    def within(self) -> Iterator["Element"]:
        """Yield all elements inside this one, each before those inside it."""
        for child in self.children:
            yield child
            yield from child.within()

    def __str__(self) -> str:
        return f"{self.tag[:100]} {self.id[:100]}" if self.id else self.tag[:100]


def parse(xml: bytes, opaque: str) -> Element:
    """Return the root of a document; what elements of the name ``opaque`` hold is passed over."""
    if len(xml) > LARGEST:
        raise Refused("the file is larger than {most} bytes", field="file", most=LARGEST)
    tree = _Tree(opaque)
    try:
        tree.parser.Parse(_decoded(xml), True)  # the last piece
    except ExpatError as error:
        raise Refused(
            "line {line}: this is not well-formed XML: {reason}",
            field="file",
            line=error.lineno,
            reason=ErrorString(error.code),
        ) from None
    except UnicodeDecodeError as error:
        raise Refused(
            "the document is not in the encoding that it declares (byte {byte})", field="file", byte=error.start
        ) from None
    except LookupError:
        raise Refused("the document declares an encoding that is not known; save it as UTF-8", field="file") from None
    return tree.roots[0]


class _Tree:
    """The parser and what it has built."""

    def __init__(self, opaque: str) -> None:
        self.opaque = opaque
        self.roots: list[Element] = []
        self.above: list[Element] = []
        self.hidden = 0
        self.count = 0
        self.parser = ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype

    def start(self, name: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self.count += 1
        if self.count > MOST:
            raise Refused("the document has more than {most} elements", field="file", most=MOST)
        if len(self.above) + self.hidden >= DEEPEST:
            raise Refused("line {line}: elements nest too deeply", field="file", line=line)
        if self.hidden or (self.above and self.above[-1].tag == self.opaque):
            self.hidden += 1
            return
        space, _, tag = name.rpartition("}")
        element = Element(space, tag, line, attributes)
        (self.above[-1].children if self.above else self.roots).append(element)
        self.above.append(element)

    def end(self, _: str) -> None:
        if self.hidden:
            self.hidden -= 1
        else:
            self.above.pop()

    def doctype(self, *_: object) -> None:
        # Entities that stand for more of themselves are declared in one; BPMN knows none.
        raise Refused(
            "line {line}: the document declares a document type; BPMN has none",
            field="file",
            line=self.parser.CurrentLineNumber,
        )


def _decoded(xml: bytes) -> bytes | str:
    """Return the text of a document in an encoding that the parser does not know; any other as it is."""
    for mark, encoding in _BEGINNINGS:
        if xml.startswith(mark):
            return xml.decode(encoding)
    if not (declared := _DECLARED.match(xml[:200])):
        return xml
    name = declared[1].decode("ascii", "replace").lower()
    for beginning, encoding in _CHINESE:
        if name.startswith(beginning):
            return xml.decode(encoding)
    if not _PARSED.fullmatch(name):
        raise LookupError(name)
    return xml
