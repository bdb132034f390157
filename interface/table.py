"""Reading tables: CSV as spreadsheet programs write it, with the line of each row."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.event import Refused

# Characters of one cell before its row is refused.
LARGEST_CELL = 100_000
PIECE = 1 << 20
# Characters of a header that are repeated to the person who gave it.
SHOWN = 300
BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line on which it begins, and its cells in the columns asked for; or why it cannot be read."""

    line: int
    cells: list[str]
    refusal: Refused | None = None


class Table:
    """A CSV file: UTF-8, with a byte order mark or without, GBK (GB 18030), or UTF-16 with a mark.

    It is looked through once to find its encoding, and refused if it has none of these; then each
    ``rows`` reads it anew, as far as it is consumed.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise Refused("{path} is no file", field="file", path=path)
        self.path = path
        self.encoding = _encoding(path)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yield each row's cells in these columns, without the blanks around them; rows without any text are none.

        Refused are a header without one of the columns, or with one twice.
        """
        csv.field_size_limit(LARGEST_CELL)
        with self.path.open(encoding=self.encoding, newline="") as file:
            delimiter = _delimiter(file.readline(), columns)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            try:
                header = [cell.strip() for cell in next(reader, [])]
            except csv.Error as error:
                raise Refused("the first line is not CSV: {reason}", field="file", reason=error) from None
            if not any(header):
                raise Refused("the first line is empty: the names of the columns belong there", field="file")
            places = [_place(header, column) for column in columns]
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Row(line, [], Refused("this is not CSV: {reason}", field="file", reason=error))
                    continue
                if len(cells) == len(header):
                    row = Row(line, [cells[place].strip() for place in places])
                    if any(row.cells) or any(cell.strip() for cell in cells):
                        yield row
                elif any(cell.strip() for cell in cells):
                    refusal = Refused(
                        "the row has {count} cells, the header {wanted}",
                        field="file",
                        count=len(cells),
                        wanted=len(header),
                    )
                    yield Row(line, [], refusal)


def _encoding(path: Path) -> str:
    """Find the encoding in which the whole file can be read."""
    with path.open("rb") as file:
        begin = file.read(4)
    if not begin:
        raise Refused("the file is empty", field="file")
    for encoding in ("utf-16",) if begin.startswith(BOMS) else ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    if "\0" in decoder.decode(piece):
                        raise Refused("the file has NUL characters: it is no CSV file", field="file")
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Refused("the file is neither UTF-8 nor GBK text: save it as CSV in one of these", field="file")


def _delimiter(header: str, columns: Sequence[str]) -> str:
    """A comma, unless the header has the columns only when it is cut at semicolons or tabs."""
    for delimiter in (",", ";", "\t"):
        with suppress(csv.Error):
            cells = [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]
            if all(column in cells for column in columns):
                return delimiter
    return ","


def _place(header: Sequence[str], column: str) -> int:
    found = [place for place, name in enumerate(header) if name == column]
    if not found:
        raise Refused(
            "the file has no column “{column}”; it has {columns}",
            field="file",
            column=column,
            columns=", ".join(header)[:SHOWN],
        )
    if len(found) > 1:
        raise Refused("the file has the column “{column}” twice", field="file", column=column)
    return found[0]


__all__ = ["Row", "Table"]
