"""Live data: feeds, datastreams, the columnar state, what moves, recent history, overlays that colour the city.

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
from twin.live.ground import SceneGround
from twin.live.history import History, HistoryStore, Series
from twin.live.hub import LiveHub
from twin.live.movements import KINDS, Movements
from twin.live.moving import Fleet
from twin.live.moving_feeds import FcdReplay, MovingFeed, TransitFeed
from twin.live.moving_frames import MovingFrame
from twin.live.moving_history import MovingHistory
from twin.live.mqtt import Broker, MqttFeed, Publisher, publishing
from twin.live.observations import ROW, decode_sensorthings, encode_sensorthings, pack, rows, unpack
from twin.live.overlay import Overlay, OverlayView, Reading
from twin.live.past import Past
from twin.live.replay import ReplayFeed
from twin.live.state import Counts, LiveState
from twin.live.traffic import Lines, Traffic

__all__ = [
    "KINDS",
    "ROW",
    "Broker",
    "Counts",
    "Datastreams",
    "EmbeddedBroker",
    "FcdReplay",
    "Feed",
    "FeedStatus",
    "Fleet",
    "Frame",
    "History",
    "HistoryStore",
    "Lines",
    "LiveHub",
    "LiveState",
    "Movements",
    "MovingFeed",
    "MovingFrame",
    "MovingHistory",
    "MqttFeed",
    "Overlay",
    "OverlayView",
    "Past",
    "Publisher",
    "RainHour",
    "Reading",
    "ReplayFeed",
    "SceneGround",
    "Series",
    "Sink",
    "Traffic",
    "TransitFeed",
    "connect",
    "decode_sensorthings",
    "encode_sensorthings",
    "pack",
    "publish",
    "publishing",
    "rows",
    "unpack",
]
