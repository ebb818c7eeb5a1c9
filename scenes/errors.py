"""The error tree: catch broadly (`CityTwinError`) or narrowly.

```text
CityTwinError
├── SourceError          a file, table or service that was given to us
│   ├── MissingSourceError   it is not there
│   ├── UnsupportedError     we cannot read this kind or version
│   └── LoadError            it is there and of a known kind, but broken or empty
├── GeoreferenceError    a coordinate system or a placement that cannot be used
│   └── UnplacedError        a model that nobody places: it could be put anywhere
├── UnknownObjectError   an id, alias or layer that the scene does not have
├── QueryError           a filter that does not parse or names an unknown column
├── PackageError         a city package that is missing, broken or of another version
├── SimulationError      a what-if that cannot run or whose result cannot be trusted
├── ConnectionLostError  a broker or a service that does not answer
└── MissingLibraryError  an optional library is not installed
```

Every message says what, where and what to do next.
"""

from __future__ import annotations


class CityTwinError(Exception):
    """Says what went wrong, where, and what to do next.

    Parameters
    ----------
    where
        The file, object or address concerned.
    what
        What is wrong with it, as a short clause.
    advice
        What the user can do next.

    Examples
    --------
    >>> print(CityTwinError("a.ifc", "the file ends in the middle of a line", "export it again"))
    a.ifc: the file ends in the middle of a line; export it again
    """

    def __init__(self, where: object, what: str, advice: str = "") -> None:
        """Keep the three parts and join them into one sentence."""
        self.where = str(where)
        self.what = what if what.isprintable() else " ".join(what.split())  # libraries break their lines
        self.advice = advice
        super().__init__(f"{self.where}: {what}" + (f"; {advice}" if advice else ""))

    def __reduce__(self) -> tuple[type[CityTwinError], tuple[str, str, str]]:
        """Survive the way between processes."""
        return type(self), (self.where, self.what, self.advice)


class SourceError(CityTwinError):
    """A file, table or service that was given to us cannot be used."""


class MissingSourceError(SourceError):
    """The source is not there."""


class UnsupportedError(SourceError):
    """The source is of a kind or version that cannot be read."""


class LoadError(SourceError):
    """The source is of a known kind, but broken or empty."""


class GeoreferenceError(CityTwinError):
    """A coordinate system or a placement cannot be used."""


class UnplacedError(GeoreferenceError):
    """A model does not say where it lies, and nobody else does; whoever knows places it.

    Parameters
    ----------
    where, what, advice
        As in `CityTwinError`.
    together
        Paths of the sources that lie in one frame with it, itself included; empty if it is alone.
    """

    def __init__(self, where: object, what: str, advice: str = "", together: tuple[str, ...] = ()) -> None:
        """Keep what belongs together beside the sentence."""
        super().__init__(where, what, advice)
        self.together = together

    def __reduce__(self) -> tuple[type[UnplacedError], tuple[str, str, str, tuple[str, ...]]]:  # type: ignore[override]
        """Survive the way between processes."""
        return type(self), (self.where, self.what, self.advice, self.together)


class UnknownObjectError(CityTwinError, KeyError):
    """The scene has no such id, alias or layer."""

    def __str__(self) -> str:
        """Return the sentence itself, where KeyError would quote it."""
        return str(self.args[0])


class QueryError(CityTwinError):
    """A filter does not parse or names an unknown column."""


class PackageError(CityTwinError):
    """A city package is missing, broken or of another version."""


class SimulationError(CityTwinError):
    """A what-if cannot run, or its result cannot be trusted."""


class ConnectionLostError(CityTwinError):
    """A broker or a service does not answer."""


class MissingLibraryError(CityTwinError):
    """An optional library is not installed."""
