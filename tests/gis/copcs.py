"""A cloud optimized point cloud (COPC 1.0) of three levels, written for tests, and a server that gives parts of it."""

from __future__ import annotations

import http.server
import io
import re
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import laspy
import lazrs
import numpy as np
from pyproj import CRS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEVELS = {(0, 0, 0, 0): 400, (1, 0, 0, 0): 2_000, (1, 1, 0, 0): 2_100, (2, 0, 0, 0): 30_000, (2, 3, 0, 0): 30_500}
SPACING = 2.0
_GAP = 300_000  # bytes that no reader needs


def written(path: Path, east: float, north: float) -> Path:
    """Write the file: nodes by level, a gap, the hierarchy in two pages; return it."""
    header = laspy.LasHeader(version="1.4", point_format=6)
    header.offsets, header.scales = [east, north, 0.0], [0.001] * 3
    header.add_crs(CRS.from_epsg(32651))
    packer = lazrs.LazVlr.new_for_compression(6, 0, use_variable_size_chunks=True)
    chunks, entries, kinds = [], [], []
    random = np.random.default_rng(5)
    for key, count in LEVELS.items():
        record = laspy.ScaleAwarePointRecord.zeros(count, header=header)
        for axis in "XYZ":
            record[axis] = random.integers(0, 128_000, count)
        record["classification"] = np.full(count, key[0])
        made = lazrs.compress_points(packer, np.frombuffer(record.array.tobytes(), np.uint8), False)
        chunks.append(bytes(made)[8 : struct.unpack_from("<q", bytes(made))[0]])
        entries.append((key, count))
        kinds.append(record)
    every = np.concatenate([record.array for record in kinds])
    head = bytearray(_head(path, header, len(every), packer))
    info_at = head.index(b"copc\0") - 2
    place = len(head) + 8
    table: list[tuple[int, int]] = []
    body = bytearray()
    nodes = []
    for (key, count), chunk in zip(entries, chunks, strict=True):
        nodes.append((*key, place + len(body), len(chunk), count))
        table.append((count, len(chunk)))
        body += chunk
    body += bytes(_GAP)
    second = place + len(body)
    fine = b"".join(struct.pack("<4iQ2i", *node) for node in nodes if node[0] == 2)
    first = second + len(fine)
    coarse = b"".join(struct.pack("<4iQ2i", *node) for node in nodes if node[0] < 2)
    coarse += struct.pack("<4iQ2i", 2, 0, 0, 0, second, len(fine), -1)
    body += fine + coarse
    table_at = place + len(body)
    struct.pack_into("<5d2Q2d", head, info_at + 54, 0, 0, 0, 64.0, SPACING, first, len(coarse), 0.0, 0.0)
    chunk_table = io.BytesIO()
    lazrs.write_chunk_table(chunk_table, table, packer)
    path.write_bytes(bytes(head) + struct.pack("<q", table_at) + bytes(body) + chunk_table.getvalue())
    return path


def _head(path: Path, header: laspy.LasHeader, count: int, packer: lazrs.LazVlr) -> bytes:
    """Return the head and the records before the points, the one of COPC first."""
    header.vlrs.insert(0, laspy.VLR("copc", 1, "COPC info", bytes(160)))
    header.vlrs.append(laspy.VLR("laszip encoded", 22204, "LASzip", packer.record_data()))
    with laspy.open(path, "w", header=header) as writer:
        writer.write_points(laspy.ScaleAwarePointRecord.zeros(1, header=header))
    whole = bytearray(path.read_bytes())
    length = struct.unpack_from("<I", whole, 96)[0]
    struct.pack_into("<B", whole, 104, 6 | 0x80)
    struct.pack_into("<Q", whole, 247, count)
    return bytes(whole[:length])


class Parts:
    """What a server was asked, and how many bytes it gave."""

    def __init__(self) -> None:
        self.sent = 0
        self.asked: list[str] = []


@contextmanager
def serving(folder: Path, *, ranges: bool = True) -> Iterator[tuple[str, Parts]]:
    """Serve the files of a folder, with HTTP ranges or without."""
    parts = Parts()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = (folder / self.path.lstrip("/")).read_bytes()
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            parts.asked.append(self.headers.get("Range", ""))
            if wanted and ranges:
                first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
                data = data[first : last + 1]
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            parts.sent += len(data)
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", parts
        finally:
            server.shutdown()
            thread.join()
