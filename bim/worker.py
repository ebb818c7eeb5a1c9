"""The worker process: opens one IFC file, writes its tree and its shapes to a folder, and says how far it is.

Run as ``python -m bim.worker REQUEST.json``. It prints one JSON message a line on its standard output; all
that the IFC library prints goes to standard error. The parent (`bim.supervisor`) may kill it at any time.
"""

# ruff: noqa: PLC0415 - the messages must flow before the slow imports
from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bim.request import Request

if TYPE_CHECKING:
    from bim.shapes import ShapeSink, Tessellator


class Channel:
    """Messages to the parent, one JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")

    def say(self, word: str, **details: Any) -> None:
        """Send one message."""
        self._file.write(json.dumps({"say": word, **details}) + "\n")
        self._file.flush()


def main(arguments: list[str]) -> None:
    """Do what the request file says; leaves without tearing down the IFC library, which may crash doing so."""
    asked = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    request = Request(**{**asked, "left_out": tuple(asked["left_out"]), "finished": tuple(asked["finished"])})
    channel = _own_channel()
    _limit_memory(request.memory_bytes)
    status = 0
    try:
        _work(request, channel)
        channel.say("done")
    except ModuleNotFoundError:
        channel.say("failed", what="no-library")
        status = 4
    except ImportError:  # the libraries are there, but cannot be loaded into the memory allowed
        channel.say("failed", what="does not fit into the memory allowed")
        status = 4
    except MemoryError:
        channel.say("failed", what="needs more memory than allowed")
        status = 3
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        channel.say("failed", what=f"stops with {type(error).__name__} ({' '.join(str(error).split())})"[:400])
        status = 3
    os._exit(status)


def _own_channel() -> Channel:
    """Keep standard output for messages and send what libraries print to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return Channel(kept)


def _limit_memory(limit: int) -> None:
    if limit and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _work(request: Request, channel: Channel) -> None:
    import ifcopenshell

    from bim.writing import write_contents

    channel.say("stage", name="open")
    model = ifcopenshell.open(request.path)
    if request.tree:
        channel.say("stage", name="tree")
        write_contents(model, Path(request.folder), channel.say)
    channel.say("stage", name="shapes")
    _write_shapes(model, request, channel)


def _write_shapes(model: Any, request: Request, channel: Channel) -> None:
    from bim.shapes import ShapeSink, Tessellator
    from bim.tree import shaped_products

    done = {*request.left_out, *request.finished}
    mine = shaped_products(model)[request.share :: request.shares]
    products = [product for product in mine if product.id() not in done]
    channel.say("products", numbers=[product.id() for product in products])

    def written(name: str, finished: list[int], rows: int) -> None:
        channel.say("chunk", file=name, products=finished, rows=rows)

    sink = ShapeSink(Path(request.folder), f"shapes-{request.share}-{request.run:03d}", written)
    engine = Tessellator(model, request.threads)
    if not products:
        return
    if request.careful:
        _one_by_one(products, engine, sink, channel)
    else:
        _all_at_once(products, engine, sink, channel)


def _all_at_once(products: list[Any], engine: Tessellator, sink: ShapeSink, channel: Channel) -> None:
    missing = {product.id() for product in products}
    for number, mesh, matrix in engine.all_at_once(products):
        missing.discard(number)
        _report(channel, number, sink.add(number, mesh, matrix))
        channel.say("product", number=number)
    for number in missing:
        sink.skip(number)
    sink.flush()
    if missing:
        channel.say("shapeless", numbers=sorted(missing))


def _one_by_one(products: list[Any], engine: Tessellator, sink: ShapeSink, channel: Channel) -> None:
    for product in products:
        number = product.id()
        channel.say("start", number=number)
        made = engine.one(product)
        if made is None:
            sink.skip(number)
            channel.say("shapeless", numbers=[number])
        else:
            _report(channel, number, sink.add(number, *made))
        sink.flush()


def _report(channel: Channel, number: int, trouble: str) -> None:
    if trouble:
        channel.say("problem", where=f"#{number}", rule="shape-invalid", message=f"the shape {trouble}")


if __name__ == "__main__":
    main(sys.argv[1:])
