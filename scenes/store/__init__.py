"""The city package on disk: a folder of Parquet files and a manifest, written whole or not at all.

```text
NAME.city/
├── city.json                   manifest: format version, georeference, layers, batches, epoch, problems
├── objects/<layer>/0000.parquet  GeoParquet 1.1: one row an object, rows in handle order
├── meshes/<layer>/0000.parquet   one row a MeshSet (level of detail, or the instances of one)
├── aliases.parquet             scheme, value, uid
├── relations.parquet           kind, role, uid, target
├── tiles/<layer>/              3D Tiles, dropped when they no longer fit
├── fields/                     values by handle, dropped when the epoch changes
└── history/ scenarios/ ...     kept by other parts of the twin, carried over by every save
```
"""

from __future__ import annotations

from scenes.store.layout import FORMAT_VERSION, is_package, manifest
from scenes.store.reader import open_package
from scenes.store.remote import fetched, is_address, mirrored, push
from scenes.store.writer import save

__all__ = [
    "FORMAT_VERSION",
    "fetched",
    "is_address",
    "is_package",
    "manifest",
    "mirrored",
    "open_package",
    "push",
    "save",
]
