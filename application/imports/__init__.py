"""Imports: what was kept elsewhere, checked whole before any of it is recorded, and recorded once."""

from application.imports.case import CaseRow, import_cases
from application.imports.organisation import OrganisationLine, import_organisations
from application.imports.report import BadRow, Report
from application.imports.standard import import_standard

__all__ = [
    "BadRow",
    "CaseRow",
    "OrganisationLine",
    "Report",
    "import_cases",
    "import_organisations",
    "import_standard",
]
