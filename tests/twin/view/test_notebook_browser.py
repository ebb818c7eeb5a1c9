"""`Scene.view` in a real JupyterLab: the city is drawn, a click is known in Python, and Python recolours the city."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import scenes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from scenes import Scene

pytestmark = [pytest.mark.browser, pytest.mark.skipif(os.name == "nt", reason="signals")]

WAIT_MS = 120_000
TOKEN = "lab"  # of a server that lives as long as the test
CELLS = (
    "import warnings\nimport scenes\nwarnings.filterwarnings('error', module=r'(scenes|twin)\\.')",
    "city = scenes.open('little.city')\nviewer = city.view(language='en', height=560)\nviewer",
    "print('picked', viewer.picked)",
    "viewer.fly_to([uid for uid in city if uid != viewer.picked][0])\nviewer.show_attribute('height_m')",
    "viewer.language = 'zh'",
)
DRAWN = """(() => {
  const stats = window.__citytwin?.ready && window.__citytwin.engine.stats();
  return stats && stats.tilesLoaded > 0 && stats.tilesPending === 0;
})()"""
SPOT = """async () => {
  const { engine } = window.__citytwin;
  const box = engine.canvas.getBoundingClientRect();
  for (let y = 0.3; y < 0.75; y += 0.05) for (let x = 0.35; x < 0.7; x += 0.05) {
    const at = [box.left + x * box.width, box.top + y * box.height];
    const pick = await engine.pickAt(...at);
    if (pick && pick.layer === 'buildings') return [...at, pick.handle];
  }
  return null;
}"""


@dataclass(frozen=True)
class Lab:
    """A JupyterLab server that runs: its address, with a slash at the end."""

    url: str

    def notebook(self, name: str) -> str:
        """Return the address of a notebook in a workspace of its own."""
        return f"{self.url}lab/tree/{name}?token={TOKEN}"


@pytest.fixture
def lab(little_city: Scene, tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab whose settings, kernels and files are its own, in a folder with the city and a notebook on it."""
    root = tmp_path / "work"
    root.mkdir()
    scenes.save(little_city, root / "little.city")
    (root / "city.ipynb").write_text(json.dumps(_notebook(CELLS)), "utf-8")
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = {**os.environ, **{name: str(tmp_path / name.lower()) for name in own}}
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={root}"]
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (tmp_path / "lab.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, *quiet, f"--IdentityProvider.token={TOKEN}"],
            env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield Lab(_address(process, tmp_path / "jupyter_runtime_dir", tmp_path / "lab.log"))
        finally:
            process.send_signal(signal.SIGTERM)  # ends the kernels, too
            process.wait()


def _notebook(cells: tuple[str, ...]) -> dict[str, Any]:
    common = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = [{**common, "id": f"cell-{number}", "source": source} for number, source in enumerate(cells)]
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _address(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return where the server listens; it says so in a file as soon as it does."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while True:
        for file in runtime.glob("jpserver-*.json"):
            try:
                return str(json.loads(file.read_text("utf-8"))["url"])
            except json.JSONDecodeError:  # half written
                pass
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.05)


def _run(page: Page, number: int) -> Locator:
    """Run one cell as a user would, wait until the kernel has done it, and return the cell."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(f"[{number + 1}]:", timeout=WAIT_MS)
    complaints = cell.locator(
        ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], "
        ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"
    )
    expect(complaints).to_have_text([])
    return cell


def test_the_viewer_works_in_jupyterlab(page: Page, lab: Lab, little_city: Scene, tmp_path: Path) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.set_default_timeout(WAIT_MS)
    page.goto(lab.notebook("city.ipynb"))
    page.locator(".jp-Notebook .jp-Cell").nth(len(CELLS) - 1).wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    _run(page, 0)
    _run(page, 1)
    page.wait_for_function(DRAWN)

    x, y, handle = page.evaluate(SPOT)
    uid = little_city.at(int(handle)).uid
    page.mouse.click(x, y)
    expect(page.locator(".inspector")).to_contain_text(uid, timeout=WAIT_MS)
    for key in "xdd":  # shortcuts of the viewer, which would cut and delete cells of the notebook
        page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-Cell").count() == len(CELLS)
    expect(_run(page, 2)).to_contain_text(f"picked {uid}", timeout=WAIT_MS)

    _run(page, 3)
    other = 1 if handle == 0 else 0
    page.wait_for_function(f"window.__citytwin.selected === {other} && window.__citytwin.engine.codeOf({other}) > 0")
    _run(page, 4)
    expect(page.locator("h1")).to_have_text("小城", timeout=WAIT_MS)
    page.screenshot(path=tmp_path / "lab.png")
    assert [url for url in requested if not url.startswith((lab.url, "data:", "blob:"))] == []
