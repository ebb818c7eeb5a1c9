"""Values that JSON has a word for."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any


def plain(value: Any) -> Any:
    """Return a value that JSON has a word for: times become ISO text, what is not finite becomes null.

    Examples
    --------
    >>> plain({1: [float("nan"), dt.date(2024, 5, 1)]})
    {'1': [None, '2024-05-01']}
    """
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, type(None))) else str(value)
