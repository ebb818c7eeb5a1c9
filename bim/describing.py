"""Worker side: everything that describes the objects of a model: property groups, and columns made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.associations import attached, classification_group, classifications, presentation_layers
from bim.attributes import AttributeReader, bar_columns, columns_of, predefined_type, type_groups, types_of
from bim.entities import READ_ERRORS
from bim.layouts import DESIGN, designs
from bim.materials import MaterialReader
from bim.properties import PropertyReader
from bim.relations import openings
from bim.systems import port_groups, port_owners

if TYPE_CHECKING:
    from bim.dossier import Dossier
    from bim.entities import Careful
    from bim.properties import Group, Groups
    from bim.tree import Row, Tree
    from bim.units import Units


def describe(
    model: Any, tree: Tree, units: Units, careful: Careful, dossier: Dossier | None = None
) -> dict[int, Groups]:
    """Return the property groups of every row and set its columns."""
    describer = _Describer(model, units, careful)
    records = dossier.groups if dossier is not None else {}
    found = {}
    for row in tree.rows:
        groups = describer.groups(row)
        for name, facts in records.get(row.number, {}).items():
            groups[name] = {**facts, **groups.get(name, {})}
        if groups:
            found[row.number] = groups
    return found


class _Describer:
    """What the readers tell of objects, by entity number; a reader that fails tells nothing, and a problem says so."""

    def __init__(self, model: Any, units: Units, careful: Careful) -> None:
        self._model, self._units, self._careful = model, units, careful
        types = careful.by_number("the types", lambda: types_of(model))
        self._types = types
        properties = PropertyReader(model, units, types)
        self._properties = careful.by_number("the property sets", properties.by_object)
        materials = MaterialReader(model, units, properties)
        self._materials = careful.by_number("the materials", lambda: materials.by_object(types))
        self._told = careful.by_number("the types", lambda: type_groups(model, types))
        self._attributes = AttributeReader(model, units)
        self._classes = careful.by_number("the classifications", lambda: classifications(model, types))
        self._attached = careful.by_number("what is attached", lambda: attached(model))
        self._layers = careful.by_number("the presentation layers", lambda: presentation_layers(model))
        self._openings = careful.by_number("the openings", lambda: openings(model))
        self._designs = careful.by_number("the layouts of alignments", lambda: designs(model, units))
        self._ports = careful.by_number("the ports", lambda: port_groups(model, port_owners(model)))
        careful.oddities += [*properties.oddities, *materials.oddities]

    def groups(self, row: Row) -> Groups:
        """Return the property groups of a row and set its columns."""
        number = row.number
        kind = self._types.get(number, 0)
        sets = self._properties.get(number, {})
        materials, of_material = self._materials.get(number, ("", {}))
        codes = [code or name for _, code, name, _ in self._classes.get(number, ())]
        stated = {
            "material": materials,
            "type_name": self._told.get(kind, {}).get("Name", ""),
            "classification": ", ".join(dict.fromkeys(filter(None, codes))),
        }
        row.columns |= {name: text for name, text in stated.items() if text}
        layer: Group = {"Layer": self._layers[number]} if number in self._layers else {}
        found: Groups = {
            "Attributes": self._direct(row, sets),
            "Type": self._told.get(kind, {}),
            **sets,
            **of_material,
            "Classification": classification_group(self._classes.get(number, [])),
            DESIGN: self._designs.get(number, {}),
            "Openings": self._openings.get(number, {}),
            "Ports": self._ports.get(number, {}),
            "Presentation": layer,
            **self._attached.get(kind, {}),
            **self._attached.get(number, {}),
        }
        return {name: group for name, group in found.items() if group}

    def _direct(self, row: Row, sets: Groups) -> Group:
        """Return the attributes that the object states itself; set the columns that need its entity."""
        try:
            entity = self._model.by_id(row.number)
            kind = self._model.by_id(self._types[row.number]) if row.number in self._types else None
            row.columns |= columns_of(sets, self._units)
            if entity.is_a("IfcReinforcingElement"):
                row.columns |= bar_columns(self._attributes, [each for each in (entity, kind) if each is not None])
            predefined = predefined_type(entity, kind)
            if predefined:
                row.columns["predefined_type"] = predefined
            return self._attributes.read(entity)
        except READ_ERRORS as error:
            self._careful.note(f"#{row.number}", "attributes-unreadable", error)
            return {}
