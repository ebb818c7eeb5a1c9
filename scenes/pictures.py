"""`Picture`: an encoded image that is laid on triangles, and the safe way to read, shrink and mix images.

The only door of Pillow on the ground floor. Files come from strangers, so an image is measured before it is
decoded, only common formats are opened, and nothing is larger than `LARGEST_PX` when it leaves this module.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

LARGEST_PX = 2_048
MOST_PIXELS = 80_000_000  # of an image from outside, before it is shrunk
MOST_BYTES = 64_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "TGA", "JPEG2000")
_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png"}
_QUALITY = 85
_TROUBLES = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class Picture:
    """An image as JPEG or PNG bytes. Equal bytes are equal pictures.

    Parameters
    ----------
    data
        The encoded image.
    mime
        ``image/jpeg`` or ``image/png``.

    Examples
    --------
    >>> red = Picture.of_pixels(np.full((2, 4, 3), [255, 0, 0], np.uint8))
    >>> red.size_px, red.has_gaps, red.mean_colour.tolist()
    ((4, 2), False, [254, 0, 0, 255])
    """

    data: bytes
    mime: str

    def __post_init__(self) -> None:
        """Check the kind."""
        if self.mime not in _MIMES.values():
            raise ValueError(f"{self.mime} is not image/jpeg or image/png")

    @classmethod
    def read(cls, data: bytes, where: str, largest_px: int = LARGEST_PX) -> Picture:
        """Return an image from outside, shrunk where it is too large, as JPEG or (with transparency) PNG.

        Raises
        ------
        LoadError
            When it is no image, is broken, or is too large to be decoded safely.
        """
        if len(data) > MOST_BYTES:
            raise LoadError(where, f"is an image of more than {MOST_BYTES // 1_000_000} MB", "make it smaller")
        with _opened(data, where) as image:
            name = image.format or ""
            plain = image.mode in {"RGB", "L", "RGBA"} and "transparency" not in image.info
            if name in _MIMES and plain and max(image.size) <= largest_px:
                image.load()  # a broken image is found here and not in the browser
                return cls(data, _MIMES[name])
            return cls.of_pixels(_pixels(image, largest_px))

    @classmethod
    def of_pixels(cls, pixels: Bytes) -> Picture:
        """Return (rows, columns, 3 or 4) sRGB pixels as JPEG, or as PNG where some are transparent."""
        clear = pixels.shape[2] == 4 and bool((pixels[..., 3] < 255).any())
        name = "PNG" if clear else "JPEG"
        out = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(pixels if clear else pixels[..., :3]))
        image.save(out, name, **({"compress_level": 3} if clear else {"quality": _QUALITY}))
        return cls(out.getvalue(), _MIMES[name])

    @cached_property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        with _opened(self.data, "image") as image:
            return image.size

    @cached_property
    def has_gaps(self) -> bool:
        """Whether some pixel is transparent."""
        return self.mime == "image/png" and bool((self.pixels(256)[..., 3] < 255).any())

    @cached_property
    def mean_colour(self) -> Bytes:
        """The (4,) uint8 mean of what can be seen, opaque unless nothing can be."""
        small = self.pixels(16).reshape(-1, 4).astype(np.float64)
        weight = small[:, 3]
        if not weight.any():
            return np.array([255, 255, 255, 0], np.uint8)
        mean = (small[:, :3] * weight[:, None]).sum(axis=0) / weight.sum()
        return np.array([*np.rint(mean), 255], np.uint8)

    @cached_property
    def thumbnail(self) -> Bytes:
        """The image shrunk to at most 32 pixels, (rows, columns, 4) uint8."""
        return self.pixels(32)

    def pixels(self, largest_px: int = LARGEST_PX) -> Bytes:
        """Return the decoded image, (rows, columns, 4) uint8 sRGB, shrunk to at most some pixels a side.

        Raises
        ------
        LoadError
            When the bytes are no image.
        """
        with _opened(self.data, "image") as image:
            return _pixels(image, largest_px)

    def shrunk(self, largest_px: int) -> Picture:
        """Return the image with at most some pixels a side; itself where it is small enough."""
        return self if max(self.size_px) <= largest_px else Picture.of_pixels(self.pixels(largest_px))

    def on(self, colour: Bytes) -> Picture:
        """Return the image without gaps: a (4,) colour shows through where it is transparent."""
        if not self.has_gaps:
            return self
        return Picture.of_pixels(blended(self.pixels(), np.broadcast_to(colour[:3], (1, 1, 3))))


def blended(above: Bytes, below: NDArray[Any]) -> Bytes:
    """Return (rows, columns, 3) pixels of an RGBA image that lies on RGB ones."""
    share = above[..., 3:].astype(np.float64) / 255
    return cast("Bytes", np.rint(above[..., :3] * share + below * (1 - share)).astype(np.uint8))


def resized(pixels: Bytes, size_px: tuple[int, int]) -> Bytes:
    """Return pixels at another width and height, each the mean of what it covers."""
    if (pixels.shape[1], pixels.shape[0]) == size_px:
        return pixels
    image = Image.fromarray(pixels)
    return np.asarray(
        image.resize(size_px, Image.Resampling.BOX if image.width > size_px[0] else Image.Resampling.BILINEAR)
    )


@contextlib.contextmanager
def _opened(data: bytes, where: str) -> Iterator[Image.Image]:
    """Give an image whose head was read and found harmless; every trouble with it is one sentence."""
    try:
        with _quiet(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise LoadError(where, f"is an image of {width} x {height} pixels, too many to open", "shrink it")
            yield image
    except _TROUBLES as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise LoadError(where, f"is no image that can be read ({reason})", "export it again as JPEG or PNG") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd tags and large sizes: what matters is an error or measured by ourselves
        yield


def _pixels(image: Image.Image, largest_px: int) -> Bytes:
    share = min(1.0, largest_px / max(image.size))
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    if image.format == "JPEG":
        image.draft("RGB", size)  # decodes a large one at a half, a quarter or an eighth
    whole = np.asarray(image.point(lambda value: value / 256)) if image.mode.startswith("I;16") else None
    plain = Image.fromarray(whole.astype(np.uint8)) if whole is not None else image
    return np.array(resized(np.asarray(plain.convert("RGBA")), size))
