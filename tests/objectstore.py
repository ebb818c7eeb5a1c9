"""A real S3-compatible store in this process, for the tests of cities in object storage."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

from scenes.store.remote import forget_mirrors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fsspec import AbstractFileSystem


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"http://{host}:{port}"
    served.stop()


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("CITYTWIN_CACHE", str(tmp_path / "cache"))
    store().mkdir("cities")
    yield "s3://cities"
    forget_mirrors()
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()


def store() -> AbstractFileSystem:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    return s3fs.S3FileSystem()
