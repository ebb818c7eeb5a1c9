"""What a worker process is asked to do; the one thing that both sides of the pipe know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """The work of one worker process.

    Parameters
    ----------
    path
        The plain IFC file.
    folder
        Where results go.
    tree, shapes
        Whether to write what the model says, and whether to write its shapes.
    careful
        One product after the other, each announced before it starts, so that a culprit can be named.
    left_out, finished
        Entity numbers of products not to touch, and of those already done.
    second
        Products that broke the quick geometry engine; only the sure one may touch them, at the end.
    memory_bytes
        Limit of address space; 0 = none.
    threads
        Threads of the geometry engine.
    run
        Number of the attempt, part of the names of the result files.
    share, shares
        Which of how many equal shares of the products this worker takes.
    schema
        The schema that the user gave the file; entities that it lacks are counted. Empty = its own.
    """

    path: str
    folder: str
    tree: bool = True
    shapes: bool = True
    careful: bool = False
    left_out: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()
    second: tuple[int, ...] = ()
    memory_bytes: int = 0
    threads: int = 1
    run: int = 0
    share: int = 0
    shares: int = 1
    schema: str = ""
