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
    tree
        Whether to write the tree and the properties.
    careful
        One product after the other, each announced before it starts, so that a culprit can be named.
    left_out, finished
        Entity numbers of products not to touch, and of those already done.
    memory_bytes
        Limit of address space; 0 = none.
    threads
        Threads of the geometry engine.
    run
        Number of the attempt, part of the names of the result files.
    share, shares
        Which of how many equal shares of the products this worker takes.
    """

    path: str
    folder: str
    tree: bool = True
    careful: bool = False
    left_out: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()
    memory_bytes: int = 0
    threads: int = 1
    run: int = 0
    share: int = 0
    shares: int = 1
