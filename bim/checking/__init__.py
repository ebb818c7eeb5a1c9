"""IFC models against their schema and the agreements of those who write them; a checker for `scenes.checking`."""

from __future__ import annotations

from bim.checking.checker import IfcChecker

__all__ = ["IfcChecker"]
