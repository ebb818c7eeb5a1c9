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
    from collections.abc import Iterator, Sequence

    from bim.shapes import ShapeSink
    from bim.tessellation import Tessellator

_CAREFUL_BELOW = 40


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
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in asked.items()}
    request = Request(**values)
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

    from bim.characters import readable

    channel.say("stage", name="open")
    path, remark = readable(Path(request.path), Path(request.folder))
    model = ifcopenshell.open(str(path))
    if request.tree:
        from bim.writing import write_contents

        if remark:
            channel.say("problem", where=Path(request.path).name, rule="text-encoding", message=remark)
        channel.say("stage", name="tree")
        write_contents(model, Path(request.folder), channel.say)
        if request.schema:
            _say_unknown(request, channel)
    if request.shapes:
        channel.say("stage", name="shapes")
        _write_shapes(model, request, channel)


def _say_unknown(request: Request, channel: Channel) -> None:
    from bim.disguise import declared_entities, unknown_entities

    for name, count in unknown_entities(Path(request.path), declared_entities(request.schema)).items():
        message = f"{count} {name} left out, since {request.schema} has no such entity"
        channel.say("problem", where=name, rule="entity-unknown", message=message)


def _write_shapes(model: Any, request: Request, channel: Channel) -> None:
    from bim.settling import settle_placements
    from bim.shapes import ShapeSink
    from bim.tree import shaped_products

    settle_placements(model)
    done = {*request.left_out, *request.finished}
    mine = shaped_products(model)[request.share :: request.shares]
    products = [product for product in mine if product.id() not in done]
    channel.say("products", numbers=[product.id() for product in products])

    def written(name: str, finished: list[int], rows: int) -> None:
        channel.say("chunk", file=name, products=finished, rows=rows)

    sink = ShapeSink(Path(request.folder), f"shapes-{request.share}-{request.run:03d}", written)
    maker = _Maker(model, request, sink, channel)
    second = [product for product in products if product.id() in request.second]
    first = [product for product in products if product.id() not in request.second]
    if request.careful or len(first) < _CAREFUL_BELOW:
        maker.one_by_one(first)
    else:
        maker.all_at_once(first)
    maker.one_by_one(second, only_sure=True)


class _Maker:
    """Makes shapes with the quick engine, and with the sure one what that leaves empty."""

    def __init__(self, model: Any, request: Request, sink: ShapeSink, channel: Channel) -> None:
        self._model, self._threads = model, request.threads
        self._sink, self._channel = sink, channel
        self._engines: dict[str, Tessellator] = {}

    def _engine(self, name: str) -> Tessellator:
        from bim.tessellation import Tessellator

        if name not in self._engines:
            self._engines[name] = Tessellator(self._model, self._threads, name)
        return self._engines[name]

    def all_at_once(self, products: Sequence[Any]) -> None:
        """Make the shapes of many products, each with the engine that can."""
        from bim.tessellation import QUICK, SURE

        rest = self._made(products, QUICK)
        self._sink.flush()
        troubles = self._made([product for product in products if product.id() in rest], SURE)
        for number, trouble in troubles.items():
            self._give_up(number, trouble)
        self._sink.flush()

    def one_by_one(self, products: Sequence[Any], *, only_sure: bool = False) -> None:
        """Make the shapes of products, each announced before an engine touches it."""
        from bim.tessellation import QUICK, SURE

        for product in products:
            number = product.id()
            troubles = {number: ""}
            for engine in (SURE,) if only_sure else (QUICK, SURE):
                self._channel.say("start", number=number, last=engine == SURE)
                troubles = self._made([product], engine)
                if not troubles:
                    break
            for trouble in troubles.values():
                self._give_up(number, trouble)
            self._sink.flush()

    def _made(self, products: Sequence[Any], engine: str) -> dict[int, str]:
        """Hand on what an engine makes well; return the other products and what is wrong, empty = nothing came."""
        from bim.shapes import trouble_of

        rest = {product.id(): "" for product in products}
        for number, mesh, matrix in self._engine(engine).meshes(products) if products else _nothing():
            trouble = trouble_of(mesh, matrix)
            if trouble:
                rest[number] = trouble
            elif rest.pop(number, None) is not None:
                self._sink.add(number, mesh, matrix)
            self._channel.say("product", number=number)
        return rest

    def _give_up(self, number: int, trouble: str) -> None:
        self._sink.skip(number)
        if trouble:
            message = f"the shape {trouble}"
            self._channel.say("problem", where=f"#{number}", rule="shape-invalid", message=message)
        else:
            self._channel.say("shapeless", numbers=[number])


def _nothing() -> Iterator[Any]:
    return iter(())


if __name__ == "__main__":
    main(sys.argv[1:])
