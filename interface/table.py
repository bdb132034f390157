"""Reading tables: CSV as spreadsheet programs write it, with the line of each row."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from domain.event import Refused

# Characters of one cell before the file is refused.
LARGEST_CELL = 100_000
PIECE = 1 << 20
ENCODINGS = ("utf-8-sig", "gb18030")


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's line and its cells in these columns, without the blanks around them.

    UTF-8, with a byte order mark or without, UTF-16 with one, and GBK (GB 18030) are read. Refused
    are a file that is none of these, a header without a column or with one twice, and a row that is
    shorter or longer than the header. The file is read as it is consumed.
    """
    csv.field_size_limit(LARGEST_CELL)
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(file.readline(), columns)
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = [cell.strip().lstrip("\ufeff") for cell in next(reader, [])]
            places = [_place(header, column) for column in columns]
            line = reader.line_num + 1
            for row in reader:
                if row:
                    if len(row) != len(header):
                        raise Refused(
                            "line {line} has {count} cells, the header {wanted}",
                            field="file",
                            line=line,
                            count=len(row),
                            wanted=len(header),
                        )
                    yield line, [row[place].strip() for place in places]
                line = reader.line_num + 1
        except csv.Error as error:
            raise Refused(
                "line {line}: this is not CSV: {reason}", field="file", line=reader.line_num, reason=error
            ) from None
        except UnicodeDecodeError:
            raise Refused("the file changed while it was read", field="file") from None


def encoding_of(path: Path) -> str:
    """Find the encoding in which the whole file can be read."""
    with path.open("rb") as file:
        begin = file.read(4)
    if not begin:
        raise Refused("the file is empty", field="file")
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates: tuple[str, ...] = ("utf-16",)
    else:
        candidates = ENCODINGS
    for encoding in candidates:
        if _reads(path, encoding):
            return encoding
    raise Refused("the file is neither UTF-8 nor GBK text: save it as CSV in one of these", field="file")


def _reads(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                if "\0" in decoder.decode(piece):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(header: str, columns: Sequence[str]) -> str:
    """A comma, unless the header only makes sense with a semicolon or a tab."""
    for delimiter in (",", ";", "\t"):
        cells = [cell.strip().strip('"').lstrip("\ufeff") for cell in header.strip().split(delimiter)]
        if all(column in cells for column in columns):
            return delimiter
    return ","


def _place(header: list[str], column: str) -> int:
    found = [place for place, name in enumerate(header) if name == column]
    if not found:
        raise Refused(
            "the file has no column “{column}”; it has {columns}",
            field="file",
            column=column,
            columns=", ".join(header),
        )
    if len(found) > 1:
        raise Refused("the file has the column “{column}” twice", field="file", column=column)
    return found[0]
