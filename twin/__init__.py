"""The running twin: live data, what-if simulations, the viewer, the app and the command line.

The names below are loaded when they are first used, so that ``import twin`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.live import Datastreams, LiveState, connect
    from twin.whatif import Result, Scenario, simulate

_HOMES = {
    "Datastreams": "twin.live",
    "LiveState": "twin.live",
    "Result": "twin.whatif",
    "Scenario": "twin.whatif",
    "connect": "twin.live",
    "simulate": "twin.whatif",
}

__all__ = ["Datastreams", "LiveState", "Result", "Scenario", "connect", "simulate"]


def __getattr__(name: str) -> Any:
    """Load a public name from the room it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
