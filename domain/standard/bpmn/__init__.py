"""Flows as BPMN 2.0 XML (OMG formal/2011-01-03), as drawing tools write it: read whole or refused, and written."""

from domain.standard.bpmn.reading import read
from domain.standard.bpmn.writing import write

__all__ = ["read", "write"]
