"""Scenes as files for other programs: one module a format."""

from __future__ import annotations

from scenes.export.formats import FORMATS, Format, export, format_of, formats

__all__ = ["FORMATS", "Format", "export", "format_of", "formats"]
