"""Scenes as files for other programs: one module a format."""

from __future__ import annotations

from scenes.export.formats import FORMATS, export, format_of

__all__ = ["FORMATS", "export", "format_of"]
