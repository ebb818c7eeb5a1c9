"""Live data: feeds, datastreams, the columnar state, recent history, and overlays that colour the city.

```text
message --Feed--> rows --LiveState.apply--> state --OverlayView.tick--> codes --Frame--> /live --> viewer
```
"""

from __future__ import annotations

from twin.live.broker import EmbeddedBroker
from twin.live.datastreams import Datastreams
from twin.live.feed import Feed, FeedStatus, Sink, connect
from twin.live.frames import Frame
from twin.live.generator import RainHour, publish
from twin.live.history import History, HistoryStore, Series
from twin.live.hub import LiveHub
from twin.live.mqtt import Broker, MqttFeed, Publisher, publishing
from twin.live.observations import ROW, decode_sensorthings, encode_sensorthings, pack, rows, unpack
from twin.live.overlay import Overlay, OverlayView, Reading
from twin.live.replay import ReplayFeed
from twin.live.state import Counts, LiveState

__all__ = [
    "ROW",
    "Broker",
    "Counts",
    "Datastreams",
    "EmbeddedBroker",
    "Feed",
    "FeedStatus",
    "Frame",
    "History",
    "HistoryStore",
    "LiveHub",
    "LiveState",
    "MqttFeed",
    "Overlay",
    "OverlayView",
    "Publisher",
    "RainHour",
    "Reading",
    "ReplayFeed",
    "Series",
    "Sink",
    "connect",
    "decode_sensorthings",
    "encode_sensorthings",
    "pack",
    "publish",
    "publishing",
    "rows",
    "unpack",
]
