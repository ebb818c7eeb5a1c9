"""Engines that misbehave on purpose; a child process imports this file by the name ``engines``."""

# ruff: noqa: ARG002, T201 - an engine prints where it likes
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import Field, LoadError
from twin.whatif import Check, Collected, Context, Port, Spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scenes import Scene

BEHAVIOURS = ["count", "crash", "raise", "sentence", "hang", "stubborn", "exit", "noisy"]


class Probe:
    """Counts objects, in many ways that a real engine may go wrong."""

    spec = Spec(
        id="probe",
        version="1",
        titles={"en": "Probe", "zh": "探针"},
        description={"en": "Counts objects.", "zh": "计数。"},
        inputs=(
            Port("behaviour", "scalar", schema={"type": "string", "enum": BEHAVIOURS}, default="count"),
            Port("factor", "scalar", unit="min", schema={"type": "number", "minimum": 0}, default=1),
            Port("balance", "scalar", schema={"type": "number"}, default=0),
        ),
        outputs=(
            Port("count", "scalar", doc="Objects.", titles={"en": "Objects", "zh": "对象"}),
            Port("number", "features", doc="Ordinal.", titles={"en": "Number", "zh": "编号"}),
        ),
        engines=("numpy",),
        checks=("balance",),
        reads=("buildings",),
    )

    def prepare(self, scene: Scene, inputs: Mapping[str, Any], case: Path) -> None:
        (case / "in.json").write_text(json.dumps({"count": len(scene), **inputs}))

    def run(self, case: Path, context: Context) -> None:
        told = json.loads((case / "in.json").read_text())
        print("a line that the engine prints")
        print("@@ not progress")
        context.progress(0.5, "half", "2026-01-01T00:00:00Z")
        _behave(told["behaviour"], case)
        (case / "out.json").write_text(json.dumps(told))

    def collect(self, scene: Scene, case: Path) -> Collected:
        told = json.loads((case / "out.json").read_text())
        handles = np.arange(told["count"], dtype=np.uint32)
        field = Field("number", "1", handles.astype(np.float32), handles=handles)
        check = Check(abs(told["balance"]) < 1, "nothing is lost", told["balance"], 1)
        kpis = {"count": told["count"] * told["factor"]}
        return Collected({"number": field}, kpis, {"balance": check}, seed=7)


class Unchecked(Probe):
    """Forgets the check that it declares."""

    def collect(self, scene: Scene, case: Path) -> Collected:
        found = super().collect(scene, case)
        return Collected(found.fields, found.kpis, {})


def _behave(how: str, case: Path) -> None:
    if how == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "raise":
        raise ZeroDivisionError("a pipe of no width")
    if how == "sentence":
        raise LoadError("pipes", "have no width", "measure them")
    if how == "exit":
        sys.stderr.write("the licence server is away\n")
        os._exit(3)
    if how in {"hang", "stubborn"}:
        if how == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (case / "grandchild").write_text(str(grandchild.pid))
        Context(sys.stdout).progress(0.6, f"hanging {grandchild.pid}")
        time.sleep(600)
