"""What a check says of the place of a model that is looked at together with a map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scenes.checking import check
from scenes.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_model_that_was_never_placed_is_told_of_once(new_house: Callable[..., Any], tmp_path: Path) -> None:
    ring = [[121.5, 31.2], [121.501, 31.2], [121.501, 31.201], [121.5, 31.2]]
    feature = {"type": "Feature", "properties": {"height": 24}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    city = tmp_path / "city.geojson"
    city.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    house = new_house("IFC4")
    house.wall("Wall")
    site = house.model.by_type("IfcSite")[0]
    site.RefLatitude, site.RefLongitude = (52, 31, 0), (13, 24, 0)  # Berlin, where ArchiCAD puts what nobody placed
    report = check([Source(str(city)), Source(str(house.save(tmp_path / "house.ifc")))])
    of_house = next(verdict for verdict in report.verdicts if verdict.source.endswith("house.ifc"))
    told = [problem for problem in of_house.problems if problem.rule == "georeference-choice"]
    assert [problem.severity for problem in told] == ["error"]
    assert "outside the scene" in told[0].message
