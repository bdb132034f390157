"""Imports: what was kept elsewhere, checked whole before any of it is recorded, and recorded once."""

from application.imports.case import CaseImport, CaseLine
from application.imports.organisation import OrganisationImport, OrganisationLine
from application.imports.person import PersonImport, PersonLine
from application.imports.report import BadRow, Report
from application.imports.standard import Adoption, import_standard, separations

__all__ = [
    "Adoption",
    "BadRow",
    "CaseImport",
    "CaseLine",
    "OrganisationImport",
    "OrganisationLine",
    "PersonImport",
    "PersonLine",
    "Report",
    "import_standard",
    "separations",
]
