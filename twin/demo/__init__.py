"""The demo city: a riverside new town that is planned, built, filled with sensors and rained on by code.

Deterministic and offline. `plan` draws water, roads and blocks, `massing` puts buildings on the blocks,
`green` plants trees, `underground` lays pipes, `sensors` places devices, `sources` writes all of it as the
ordinary files that a planning office has (GeoJSON, ASC, IFC), and `make` builds the city package from them.
"""

from __future__ import annotations

from twin.demo.make import DemoCity, make

__all__ = ["DemoCity", "make"]
