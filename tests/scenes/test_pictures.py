"""Images from strangers: measured before they are decoded, shrunk, and refused in one sentence."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scenes.errors import LoadError
from scenes.pictures import LARGEST_PX, Picture, blended

CHECKS = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8))).astype(np.uint8) * 255


def encoded(pixels: np.ndarray, name: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, name, **options)
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_a_small_jpeg_or_png_stays_as_it_is() -> None:
    for name in ("JPEG", "PNG"):
        data = encoded(CHECKS, name)
        assert Picture.read(data, "x").data == data


@pytest.mark.parametrize("name", ["BMP", "TIFF", "WEBP", "GIF", "TGA"])
def test_other_formats_become_jpeg(name: str) -> None:
    picture = Picture.read(encoded(np.full((8, 16, 3), [10, 200, 30], np.uint8), name), "x")
    assert (picture.mime, picture.size_px) == ("image/jpeg", (16, 8))
    assert picture.mean_colour.tolist() == pytest.approx([10, 200, 30, 255], abs=4)


def test_sixteen_bits_and_palettes_keep_their_tones() -> None:
    deep = Picture.read(encoded(np.full((8, 8), 40_000, np.uint16), "PNG"), "x")
    assert deep.mean_colour[:3].tolist() == pytest.approx([156] * 3, abs=3)
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), [250, 20, 20], np.uint8)).convert("P").save(out, "PNG", transparency=0)
    assert Picture.read(out.getvalue(), "x").mime in {"image/jpeg", "image/png"}


def test_a_large_image_is_shrunk() -> None:
    large = Picture.read(encoded(np.zeros((100, 5_000, 3), np.uint8), "PNG"), "x")
    assert large.size_px == (LARGEST_PX, 41)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>404</html>", "no image that can be read"),
        (b"", "no image that can be read"),
        (encoded(CHECKS, "PNG")[:60], "no image that can be read"),
        (encoded(np.kron(CHECKS, np.ones((8, 8), np.uint8)), "JPEG")[:400], "no image that can be read"),
        (png_that_claims(100_000, 100_000), "can be read|too many"),
        (png_that_claims(12_000, 12_000), "can be read|too many"),
        (png_that_claims(9_200, 9_200), "too many"),
    ],
)
def test_what_is_no_image_or_a_bomb_is_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        Picture.read(data, "photo.png")


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"GIF89a"):
        with contextlib.suppress(LoadError):
            Picture.read(head + data, "x")


def test_gaps_are_kept_as_png_and_filled_by_a_colour() -> None:
    pixels = np.full((4, 4, 4), [0, 0, 255, 255], np.uint8)
    pixels[:2, :, 3] = 0
    picture = Picture.of_pixels(pixels)
    assert (picture.mime, picture.has_gaps) == ("image/png", True)
    filled = picture.on(np.array([200, 100, 0, 255], np.uint8))
    assert filled.mime == "image/jpeg"
    assert filled.pixels()[0, 0, :3].tolist() == pytest.approx([200, 100, 0], abs=20)
    assert blended(pixels, np.zeros(3)).tolist()[3][0] == [0, 0, 255]
