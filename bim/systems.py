"""Worker side: ports, and what flows from element to element through them.

A port belongs to an element by nesting (IFC4 and later) or by a relation of its own (IFC2x3); two connected ports
tie their elements together.
"""

from __future__ import annotations

import itertools
from typing import Any

from bim.entities import READ_ERRORS, attribute, every, list_at, text_at
from bim.relations import Tie

_FLOWS = {("SOURCE", "SINK"): True, ("SINK", "SOURCE"): False}


def port_owners(model: Any) -> dict[int, int]:
    """Return the entity number of the element that each port belongs to."""
    ports = {port.id() for port in every(model, "IfcPort")}
    if not ports:
        return {}
    owners = {}
    for name in ("IfcRelNests", "IfcRelAggregates"):
        for relation in every(model, name):
            for child in list_at(relation, "RelatedObjects"):
                if child.id() in ports and relation.RelatingObject is not None:
                    owners[child.id()] = relation.RelatingObject.id()
    for relation in every(model, "IfcRelConnectsPortToElement"):
        port, element = relation.RelatingPort, relation.RelatedElement
        if port is not None and element is not None:
            owners[port.id()] = element.id()
    return owners


def port_ties(model: Any, owners: dict[int, int]) -> list[Tie]:
    """Return the connections of elements through their ports; in the direction of the flow where the ports say it.

    The role is ``flow`` where one port is a source and the other a sink, else ``port``. An element that realizes a
    connection stands between the two.
    """
    found: dict[Tie, None] = {}
    for relation in every(model, "IfcRelConnectsPorts"):
        try:
            first, last = relation.RelatingPort, relation.RelatedPort
            ends = owners[first.id()], owners[last.id()]
            forward = _FLOWS.get((text_at(first, "FlowDirection"), text_at(last, "FlowDirection")))
        except READ_ERRORS:
            continue
        source, target = ends if forward in (None, True) else ends[::-1]
        between = attribute(relation, "RealizingElement")
        chain = [source, target] if between is None else [source, between.id(), target]
        role = "port" if forward is None else "flow"
        found.update({Tie(start, "connects", end, role): None for start, end in itertools.pairwise(chain)})
    return list(found)


def joined_ports(model: Any) -> list[Tie]:
    """Return which port is joined to which; from the source to the sink where both say what they are."""
    found: dict[Tie, None] = {}
    for relation in every(model, "IfcRelConnectsPorts"):
        first, last = relation.RelatingPort, relation.RelatedPort
        if first is None or last is None:
            continue
        forward = _FLOWS.get((text_at(first, "FlowDirection"), text_at(last, "FlowDirection")))
        source, target = (last, first) if forward is False else (first, last)
        found[Tie(source.id(), "joins", target.id(), "port" if forward is None else "flow")] = None
    return list(found)


def port_groups(model: Any, owners: dict[int, int]) -> dict[int, dict[str, str]]:
    """Return the property group of the ports of each element: {name: direction, kind and system}."""
    found: dict[int, dict[str, str]] = {}
    for port in every(model, "IfcPort"):
        owner = owners.get(port.id())
        if owner is None:
            continue
        group = found.setdefault(owner, {})
        name = text_at(port, "Name") or f"Port {len(group) + 1}"
        key = name if name not in group else f"{name} ({len(group) + 1})"
        words = (text_at(port, word) for word in ("FlowDirection", "PredefinedType", "SystemType"))
        group[key] = " ".join(word.lower() for word in words if word not in ("", "NOTDEFINED", "USERDEFINED"))
    return found
