"""Runs jobs one after another: at most one engine at a time, the others wait in line."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from scenes import SimulationError

if TYPE_CHECKING:
    from twin.whatif.job import Job


class Runner:
    """A line of jobs and the thread that works on it.

    Parameters
    ----------
    limit
        Jobs that may wait; more are refused.
    """

    def __init__(self, limit: int = 16) -> None:
        """Make an empty line; the thread starts with the first job."""
        self._limit = limit
        self._line: queue.Queue[Job | None] = queue.Queue()
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> Job:
        """Put a job in line and return it.

        Raises
        ------
        SimulationError
            When too many jobs wait.
        """
        with self._lock:
            waiting = sum(each.state == "accepted" for each in self._jobs.values())
            if waiting >= self._limit:
                raise SimulationError(job.engine.spec.id, f"{waiting} jobs are waiting", "try again later")
            self._jobs = {key: each for key, each in self._jobs.items() if not each.done} | {job.id: job}
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="simulations", daemon=True)
                self._thread.start()
        self._line.put(job)
        return job

    def jobs(self) -> list[Job]:
        """Return the jobs that have not ended when the newest came, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def get(self, job_id: str) -> Job:
        """Return a job by its id.

        Raises
        ------
        SimulationError
            When there is no such job.
        """
        found = self._jobs.get(job_id)
        if found is None:
            raise SimulationError(job_id, "there is no such job", "it may have ended long ago")
        return found

    def cancel(self, job_id: str) -> None:
        """End one job (see `Job.cancel`)."""
        self.get(job_id).cancel()

    def close(self) -> None:
        """Cancel every job and end the thread."""
        for job in self.jobs():
            job.cancel()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._line.put(None)
            thread.join()

    def _work(self) -> None:
        while (job := self._line.get()) is not None:
            job.execute()
