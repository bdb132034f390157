"""Why an input is not valid: pydantic's kinds of error, each as a sentence of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from interface.catalogue import say

REASONS = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such field",
    "json_invalid": "it is not well-formed JSON",
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "dataclass_type": "it must be an object",
    "dict_type": "it must be an object",
    "tuple_type": "it must be a list",
    "list_type": "it must be a list",
    "string_type": "it must be a text",
    "string_too_short": "it must have at least {min_length} characters",
    "string_too_long": "it must have at most {max_length} characters",
    "string_pattern_mismatch": "it is not of the form {pattern}",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_parsing_size": "it is too large a number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "none_required": "it must be null",
    "uuid_type": "it must be a UUID",
    "uuid_parsing": "it must be a UUID",
    "date_type": "it must be a day such as 2026-06-30",
    "date_parsing": "it must be a day such as 2026-06-30",
    "date_from_datetime_parsing": "it must be a day such as 2026-06-30",
    "date_from_datetime_inexact": "it must be a day such as 2026-06-30",
    "datetime_type": "it must be a time such as 2026-06-30T08:00:00Z",
    "datetime_parsing": "it must be a time such as 2026-06-30T08:00:00Z",
    "datetime_from_date_parsing": "it must be a time such as 2026-06-30T08:00:00Z",
    "timezone_aware": "its time zone is missing, as in 2026-06-30T08:00:00+08:00",
    "literal_error": "it must be one of {expected}",
    "enum": "it must be one of {expected}",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "too_short": "it must have at least {min_length} items",
    "too_long": "it must have at most {max_length} items",
}


class FieldProblem(BaseModel):
    """One input at fault: where it stands (``body.due``, ``query.limit``), and why."""

    field: str
    reason: str


def field_problems(request: Request, errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Say what is wrong with each input, in the reader's language; never what the input was: it may be a secret."""
    found = []
    for error in errors:
        sentence = REASONS.get(error["type"])
        reason = say(request, sentence, **error.get("ctx", {})) if sentence else str(error["msg"])
        found.append(FieldProblem(field=".".join(str(part) for part in error["loc"]), reason=reason))
    return found


__all__ = ["REASONS", "FieldProblem", "field_problems"]
