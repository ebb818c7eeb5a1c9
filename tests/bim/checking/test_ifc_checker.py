"""A sound model has no finding; each breach of the schema or of an agreement is found and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bim.checking import IfcChecker
from scenes import UnsupportedError
from scenes.sources import Source

SOUND = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('ViewDefinition [ReferenceView]'),'2;1');
FILE_NAME('','2026-01-01T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('IFC4X3_ADD2'));
ENDSEC;
DATA;
#1=IFCPROJECT('0YvctVUKr0kugbFTf53O9L',$,'P',$,$,$,$,(#2),#6);
#2=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#3,$);
#3=IFCAXIS2PLACEMENT3D(#4,$,$);
#4=IFCCARTESIANPOINT((0.,0.,0.));
#5=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);
#6=IFCUNITASSIGNMENT((#5));
#7=IFCPROJECTEDCRS('EPSG:25832',$,'EPSG:6258',$,$,$,#5);
#8=IFCMAPCONVERSION(#2,#7,458657.,5438232.,110.,$,$,$);
#9=IFCSITE('1YvctVUKr0kugbFTf53O9L',$,'S',$,$,$,$,$,$,$,$,$,$,$);
#10=IFCBUILDING('2YvctVUKr0kugbFTf53O9L',$,'B',$,$,$,$,$,$,$,$,$);
#11=IFCRELAGGREGATES('3YvctVUKr0kugbFTf53O9L',$,$,$,#1,(#9));
#12=IFCRELAGGREGATES('0ZvctVUKr0kugbFTf53O9L',$,$,$,#9,(#10));
ENDSEC;
END-ISO-10303-21;
"""


def rules(folder: Path, *changes: tuple[str, str], add: str = "") -> set[str]:
    text = SOUND
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    text = text.replace("ENDSEC;\nEND-ISO", f"{add}\nENDSEC;\nEND-ISO")
    path = folder / "model.ifc"
    path.write_text(text)
    source = Source(str(path))
    assert IfcChecker().supports(source)
    return {problem.rule for problem in IfcChecker().check(source)}


def test_a_sound_model_has_no_finding(tmp_path: Path) -> None:
    assert rules(tmp_path) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("2YvctVUKr0kugbFTf53O9L", "9YvctVUKr0kugbFTf53O9L", "ifc-guid"),
        ("2YvctVUKr0kugbFTf53O9L", "tooshort", "ifc-guid"),
        ("2YvctVUKr0kugbFTf53O9L", "1YvctVUKr0kugbFTf53O9L", "ifc-guid-repeated"),
        ("EPSG:25832", "EPSG:1234", "ifc-epsg"),
        ("EPSG:25832", "UTM 32", "ifc-epsg"),
        ("EPSG:6258", "WGS", "ifc-datum"),
        ("#12=IFCRELAGGREGATES('0ZvctVUKr0kugbFTf53O9L',$,$,$,#9,(#10));", "", "ifc-spatial-structure"),
        ("#11=IFCRELAGGREGATES('3YvctVUKr0kugbFTf53O9L',$,$,$,#1,(#9));", "", "ifc-spatial-structure"),
        ("$,$,$,#9,(#10)", "$,$,$,#10,(#9)", "ifc-spatial-structure"),
        ("'B',$,$,$,$,$,$,$,$,$", "'B',$,$,$,$,$,$,3.,$,$", "ifc-deprecated"),
        ("#1=IFCPROJECT('0YvctVUKr0kugbFTf53O9L',$", "#1=IFCPROJECT($,$", "ifc-schema"),
        ("IFC4X3_ADD2", "IFC4X3_ADD1", "ifc-schema-unofficial"),
    ],
)
def test_each_breach_has_its_rule(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert rule in rules(tmp_path, (old, new))


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ("#20=IFCCARTESIANPOINT((1.,2.,3.));", "ifc-loose"),
        ("#20=IFCPROJECT('0avctVUKr0kugbFTf53O9L',$,'Q',$,$,$,$,(#2),#6);", "ifc-project"),
        (
            (
                "#20=IFCWALL('0avctVUKr0kugbFTf53O9L',$,$,$,$,$,$,$,$);"
                "#21=IFCRELDECLARES('0bvctVUKr0kugbFTf53O9L',$,$,$,#1,(#20));"
            ),
            "ifc-declared",
        ),
        ("#20=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#3,$);", "ifc-operations-differ"),
        (
            (
                "#20=IFCWALL('0avctVUKr0kugbFTf53O9L',$,$,$,$,$,$,$,$);"
                "#21=IFCWALL('0bvctVUKr0kugbFTf53O9L',$,$,$,$,$,$,$,$);"
                "#22=IFCRELAGGREGATES('0cvctVUKr0kugbFTf53O9L',$,$,$,#20,(#21));"
                "#23=IFCRELCONTAINEDINSPATIALSTRUCTURE('0dvctVUKr0kugbFTf53O9L',$,$,$,(#20,#21),#10);"
            ),
            "ifc-contained-twice",
        ),
    ],
)
def test_each_surplus_has_its_rule(tmp_path: Path, lines: str, rule: str) -> None:
    assert rule in rules(tmp_path, add=lines)


@pytest.mark.parametrize(
    ("name", "factor", "found"),
    [
        ("foot", 0.3048, set()),
        ("foot", 0.305, {"ifc-unit-factor"}),
        ("US survey foot", 0.3048006096, set()),
        ("US survey foot", 0.3048, {"ifc-unit-factor"}),
        ("furlong", 201.168, {"ifc-unit-name"}),
    ],
)
def test_units_are_held_against_the_table(tmp_path: Path, name: str, factor: float, found: set[str]) -> None:
    lines = (
        f"#20=IFCMEASUREWITHUNIT(IFCREAL({factor}),#5);#21=IFCDIMENSIONALEXPONENTS(1,0,0,0,0,0,0);"
        f"#22=IFCCONVERSIONBASEDUNIT(#21,.LENGTHUNIT.,'{name}',#20);"
    )
    assert rules(tmp_path, ("#6=IFCUNITASSIGNMENT((#5))", "#6=IFCUNITASSIGNMENT((#22))"), add=lines) == found


def test_a_model_without_a_system_is_doubtful(tmp_path: Path) -> None:
    system = "#7=IFCPROJECTEDCRS('EPSG:25832',$,'EPSG:6258',$,$,$,#5);\n"
    way = "#8=IFCMAPCONVERSION(#2,#7,458657.,5438232.,110.,$,$,$);\n"
    assert rules(tmp_path, (system, ""), (way, "")) == {"ifc-crs-missing"}


def test_what_is_no_ifc_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="schema IFC4X1 is not supported"):
        rules(tmp_path, ("IFC4X3_ADD2", "IFC4X1"))


@pytest.mark.real_data
@pytest.mark.slow
def test_what_others_call_broken_has_a_finding(real_data: Path) -> None:
    files = sorted((real_data / "malformed" / "ifc_gherkin_fail").glob("*.ifc"))
    missed = [path.name for path in files if not IfcChecker().check(Source(str(path)))]
    assert len(files) > 90
    assert missed == []
