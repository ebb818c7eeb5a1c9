"""``twin simulate CITY NAME``: runs a simulation of the city or of a scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scenes
from scenes.errors import CityTwinError
from twin.commands.shared import common, print_table, progress_bar

if TYPE_CHECKING:
    import argparse

    from twin.whatif import Result


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("simulate", help="run a what-if simulation")
    parser.add_argument("city", nargs="?")
    parser.add_argument("name", nargs="?", help="the simulation, such as sunlight")
    parser.add_argument("--list", action="store_true", help="list the installed simulations with their inputs")
    parser.add_argument("--scenario", default="", metavar="S", help="a scenario of the city")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="K=V", help="inputs; values are JSON or text"
    )
    parser.add_argument("--out", metavar="OUT.json|.geojson|.glb", help="keep the result in a file")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the simulations, or run one and print its figures; 1 when its own checks do not hold."""
    from twin.whatif import list_specs, load_scenario, simulate  # noqa: PLC0415 - the engines come with it

    if options.list:
        return _list(list_specs(), as_json=options.json)
    if not options.city or not options.name:
        raise CityTwinError(
            "twin simulate", "a city and the name of a simulation are needed", "see twin simulate --list"
        )
    scene = scenes.open(options.city)
    scenario = load_scenario(options.city, options.scenario, scene) if options.scenario else None
    bar = progress_bar(options)
    inputs = dict(_input(text) for text in options.set)
    result = simulate(scene, options.name, scenario, progress=lambda share, text: bar(text, share), **inputs)
    if options.out:
        _write(result, Path(options.out))
    facts = result.as_dict()
    if options.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2, default=str))
    else:
        print_table(
            ["result", "value", "unit"], [[k["titles"]["en"], _short(k["value"]), k["unit"]] for k in facts["kpis"]]
        )
        print_table(
            ["check", "passed"], [[check["name"], "yes" if check["passed"] else "NO"] for check in facts["checks"]]
        )
        print("trusted" if result.trusted else "NOT trusted: a check failed")
    return 0 if result.trusted else 1


def _list(specs: list[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(specs, ensure_ascii=False, indent=2))
        return 0
    for spec in specs:
        print(f"{spec['id']}: {spec['titles']['en']} / {spec['titles']['zh']}. {spec['description']['en']}")
        rows = [[p["name"], str(p["default"]), p["unit"], p["titles"]["en"]] for p in spec["parameters"]]
        print_table(["input", "default", "unit", "meaning"], rows)
    return 0


def _input(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CityTwinError(text, "is not an input", "write --set NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    return str(value)


def _write(result: Result, out: Path) -> None:
    """Keep the figures as JSON, the values on objects as GeoJSON, or the coloured surface as glb."""
    if out.suffix == ".json":
        out.write_text(json.dumps(result.as_dict(), ensure_ascii=False, indent=2, default=str), encoding="utf-8")
        return
    fields = [field for field in result.fields.values() if (field.domain == "surface") == (out.suffix == ".glb")]
    if out.suffix == ".glb" and fields:
        from twin.view.simulations import field_overlay  # noqa: PLC0415 - colours are made only for this

        out.write_bytes(field_overlay(result.scene, fields[0], 1, {"en": fields[0].name, "zh": fields[0].name}).surface)
    elif out.suffix == ".geojson" and fields:
        objects = (
            [result.scene.at(int(handle)) for handle in fields[0].handles] if fields[0].handles is not None else []
        )
        frame = (
            result.scene.query("uid IN (" + ", ".join(f"'{each.uid}'" for each in objects) + ")") if objects else None
        )
        if frame is None:
            raise CityTwinError(out, "the result has no values on objects", "write .json or .glb")
        for field in fields:
            if field.handles is not None:
                values = {
                    result.scene.at(int(h)).uid: float(v) for h, v in zip(field.handles, field.values, strict=True)
                }
                frame[field.name] = [values.get(uid) for uid in frame.index]
        out.write_text(frame.to_crs("EPSG:4326").to_json(), encoding="utf-8")
    else:
        raise CityTwinError(out, "no part of the result is kept in such a file", "write .json, .geojson or .glb")
