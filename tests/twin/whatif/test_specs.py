"""Every installed simulation declares itself well; a new one is tested by being listed in setup.cfg."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import jsonschema
import pytest
import shapely

from scenes import Field, SimulationError
from twin.whatif import Simulation, Spec, list_specs, simulate, simulation, simulations
from twin.whatif.inputs import checked_inputs

from .conftest import city_of

ENGINES = simulations()


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Simulation:
    return ENGINES[request.param]


def test_it_is_a_simulation_with_bilingual_titles(engine: Simulation) -> None:
    assert isinstance(engine, Simulation)
    assert isinstance(engine.spec, Spec)
    for named in (engine.spec.titles, engine.spec.description):
        assert named["en"]
        assert named["zh"]
    assert engine.spec.licence
    assert engine.spec.valid_range
    assert engine.spec.cost


def test_every_port_has_titles_a_doc_and_a_schema_that_holds_its_default(engine: Simulation) -> None:
    for port in (*engine.spec.inputs, *engine.spec.outputs):
        assert port.doc.endswith("."), port.name
        assert port.titles["en"], port.name
        assert port.titles["zh"], port.name
        jsonschema.Draft202012Validator.check_schema(dict(port.schema))
        if port.default is not None:
            jsonschema.validate(port.default, dict(port.schema))


def test_every_output_has_a_unit(engine: Simulation) -> None:
    assert engine.spec.outputs
    for port in engine.spec.outputs:
        assert port.unit, port.name


def test_it_declares_checks(engine: Simulation) -> None:
    assert engine.spec.checks


def test_it_refuses_an_unknown_input(engine: Simulation) -> None:
    with pytest.raises(SimulationError, match="has no input 'no_such_input'"):
        checked_inputs(engine.spec, {"no_such_input": 1})


def test_it_gives_what_it_declares(engine: Simulation) -> None:
    result = simulate(city_of([(shapely.box(0, 0, 20, 12), 25.0)]), engine.spec.id, cache=False)
    declared = {port.name: port for port in engine.spec.outputs}
    assert {*result.fields, *result.kpis} == set(declared)
    assert set(result.checks) == set(engine.spec.checks)
    for name, field in result.fields.items():
        assert isinstance(field, Field)
        assert field.unit == declared[name].unit
        assert (field.domain == "objects") == (declared[name].kind == "features")


def test_the_process_description_is_that_of_ogc(engine: Simulation) -> None:
    told = json.loads(json.dumps(engine.spec.ogc()))
    assert told["id"] == engine.spec.id
    assert set(told["inputs"]) == {port.name for port in engine.spec.inputs}
    assert all("schema" in each for each in (*told["inputs"].values(), *told["outputs"].values()))


def test_the_viewer_gets_a_form_for_each() -> None:
    told = json.loads(json.dumps(list_specs()))
    assert [each["id"] for each in told] == list(ENGINES)
    for each in told:
        for parameter in each["parameters"]:
            assert set(parameter) == {"name", "titles", "schema", "unit", "default"}


def test_listing_imports_no_engine() -> None:
    code = (
        "import sys; from twin.whatif import list_specs; list_specs(); "
        "print(sorted({'pvlib', 'embreex', 'jsonschema', 'scipy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_ids_are_the_names_of_the_entry_points() -> None:
    assert {point.name for point in entry_points(group="twin.simulations")} == set(ENGINES)


def test_an_unknown_simulation_is_refused() -> None:
    with pytest.raises(SimulationError, match="no such simulation is installed; there are sunlight"):
        simulation("moonlight")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"time_step_min": "30 s"}, 0.5),
        ({"time_step_min": {"value": 0.1, "unit": "h"}}, 6),
        ({"time_step_min": "10"}, 10),
        ({"time_step_min": 5.0}, 5),
        ({}, 5),
        ({"time_step_min": ""}, 5),
    ],
)
def test_quantities_are_converted_at_the_border(given: dict[str, object], expected: float) -> None:
    assert checked_inputs(ENGINES["sunlight"].spec, given)["time_step_min"] == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"time_step_min": "5 m"}, "measures length, not time"),
        ({"time_step_min": "5 fortnights"}, "unit fortnights: is not known"),
        ({"time_step_min": "soon"}, r"input 'time_step_min' \[min\]: 'soon' is not of type 'number'"),
        ({"time_step_min": 0}, "less than the minimum of 0.5"),
        ({"area": [1, 2, 3]}, "too short"),
        ({"ground": "yes"}, "not of type 'boolean'"),
    ],
)
def test_a_bad_quantity_is_one_sentence(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(SimulationError, match=sentence):
        checked_inputs(ENGINES["sunlight"].spec, given)
