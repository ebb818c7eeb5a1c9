"""A Dask cluster as a crew: the same work, the same bytes, on the processes of many machines.

The only door to distributed. Large geometry travels as names of files, so every worker must see the folder for
temporary files of the process that builds (``TMPDIR``) and the folder of the city under the same path.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.crew import AHEAD, Limits
from scenes.errors import CityTwinError, LoadError, MissingLibraryError
from scenes.scratch import VARIABLE, scratch_folder
from scenes.worker import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from distributed import Client

    from scenes.crew import Loan

_LOCAL = "local"
_LOCAL_WORKERS = 2
_PATIENCE_S = 30


class ClusterCrew:
    """Worker processes of a Dask cluster.

    A task that is lost with its worker is done again elsewhere; one that ends three workers is an error.

    Parameters
    ----------
    client
        A client of `distributed`.
    """

    def __init__(self, client: Client) -> None:
        """Look how many can work at the same time."""
        self._client = client
        self.size = max(2, sum(client.nthreads().values()))  # type: ignore[no-untyped-call]

    def lent(self, count: int) -> AbstractContextManager[list[Loan]]:  # noqa: ARG002 - the shape of a crew's method
        """Lend nobody: sources are read where they lie, in this machine's own processes."""
        return contextlib.nullcontext([])

    def each(self, function: Callable[[Any], Any], items: Iterable[Any], limits: Limits | None = None) -> Iterator[Any]:
        """Yield ``function(item)`` for each item, in order."""
        about = (limits or Limits()).about
        waiting: deque[Any] = deque()
        try:
            for item in items:
                call = _packed((function, item))
                waiting.append(self._client.submit(_done, str(scratch_folder()), call, pure=False, retries=0))
                while waiting and (len(waiting) >= self.size + AHEAD or waiting[0].done()):
                    yield _result(waiting.popleft(), about)
            while waiting:
                yield _result(waiting.popleft(), about)
        finally:
            for future in waiting:
                future.cancel()


@contextlib.contextmanager
def cluster(address: str) -> Iterator[ClusterCrew]:
    """Give the crew of the cluster at an address, such as ``tcp://10.0.0.7:8786``; ``local`` starts two processes.

    Raises
    ------
    MissingLibraryError
        When distributed is not installed.
    CityTwinError
        When nobody answers at the address, or the cluster has no workers.
    """
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingLibraryError("--dask", "distributed is not installed", "pip install citytwin[scale]") from error
    with contextlib.ExitStack() as stack:
        if address == _LOCAL:
            own = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=_LOCAL_WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            )
            address = stack.enter_context(own).scheduler_address
        try:
            client = stack.enter_context(Client(address, timeout=_PATIENCE_S))  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            what = f"no Dask scheduler answers there ({' '.join(str(error).split())[:120]})"
            raise CityTwinError(address, what, "start one with dask scheduler, or say --dask local") from error
        if not client.nthreads():
            raise CityTwinError(address, "the cluster has no workers", "start some with dask worker ADDRESS")
        yield ClusterCrew(client)


def _result(future: Any, about: str) -> Any:
    from distributed import KilledWorker  # noqa: PLC0415 - it is there: a future came from it

    try:
        return pickle.loads(future.result())  # noqa: S301 - from our own workers
    except KilledWorker as error:
        what = "ends every worker of the cluster that tries it"
        raise LoadError(about, what, "give the workers more memory, or build without --dask") from error


def _packed(item: Any) -> bytes:
    stream = io.BytesIO()
    Packer(stream, protocol=5).dump(item)
    return stream.getvalue()


def _done(scratch: str, call: bytes) -> bytes:
    """Do one piece of work on a worker, with files where the process that asked has its own."""
    _use_scratch(scratch)
    function, item = pickle.loads(call)  # noqa: S301 - from the process that builds
    return _packed(function(item))


@functools.lru_cache(maxsize=1)
def _use_scratch(folder: str) -> None:
    """Put the files of this worker where the process that asked reads them.

    Raises
    ------
    CityTwinError
        When the worker does not see that folder.
    """
    if not Path(folder).is_dir():
        what = "a worker of the cluster does not see this folder"
        raise CityTwinError(folder, what, "set TMPDIR to a folder that all machines share")
    os.environ[VARIABLE] = folder
    scratch_folder.cache_clear()
