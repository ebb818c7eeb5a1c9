"""BCF 3.0 (BIM Collaboration Format): topics about elements, with viewpoints, in and out; 2.x is read as well.

The only door to the bcf library.
"""

from __future__ import annotations

import math
import re
import uuid
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import LoadError, MissingLibraryError, MissingSourceError, PackageError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from scenes.problems import Problem

    Vector = tuple[float, float, float]

_LARGEST = 512 << 20
_MOST_FILES = 100_000
_GUID = re.compile(r"[0-3][0-9A-Za-z_$]{21}")
_FIELD_OF_VIEW_DEG = 60.0


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera, and the elements that it is about.

    Parameters
    ----------
    position_m, direction, up
        Camera in the coordinates of the models (project metres); directions are unit vectors.
    field_of_view_deg
        Vertical opening of a perspective camera; 0 for a parallel one.
    view_height_m
        Height of the view of a parallel camera, 0 for a perspective one.
    selected
        GlobalIds of the elements that are selected.
    hidden
        GlobalIds of those that are hidden.
    planes
        Section planes: a point on each, and the direction that is cut away.
    snapshot
        PNG picture, empty if there is none.
    """

    position_m: Vector = (0.0, 0.0, 0.0)
    direction: Vector = (0.0, 1.0, 0.0)
    up: Vector = (0.0, 0.0, 1.0)
    field_of_view_deg: float = _FIELD_OF_VIEW_DEG
    view_height_m: float = 0.0
    selected: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    planes: tuple[tuple[Vector, Vector], ...] = ()
    snapshot: bytes = b""


@dataclass(frozen=True, slots=True)
class Comment:
    """Something that somebody said about a topic."""

    text: str
    author: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to be settled.

    Parameters
    ----------
    title
        What it is about.
    author
        Who raised it, usually an e-mail address.
    description, type, status, priority, assigned_to, labels
        As in BCF; texts of the project.
    date
        When it was raised.
    comments, viewpoints
        What was said, and where to look.
    guid
        Its id, made when it is not given.
    """

    title: str
    author: str
    description: str = ""
    type: str = "Issue"
    status: str = "Open"
    priority: str = ""
    assigned_to: str = ""
    labels: tuple[str, ...] = ()
    date: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    comments: tuple[Comment, ...] = ()
    viewpoints: tuple[Viewpoint, ...] = ()
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))


def topics_of(problems: Iterable[Problem], author: str) -> list[Topic]:
    """Return a topic for each finding about an element of a model, with that element selected.

    Findings whose object does not begin with a GlobalId are about the file as a whole and get no selection.

    Examples
    --------
    >>> from scenes.problems import Problem
    >>> topic, = topics_of([Problem("error", "2YvctVUKr0kugbFTf53O9L IfcWall", "ifc-guid", "is odd")], "a@b.example")
    >>> topic.priority, topic.viewpoints[0].selected
    ('High', ('2YvctVUKr0kugbFTf53O9L',))
    """
    priorities = {"error": "High", "warning": "Normal", "info": "Low"}
    topics = []
    for problem in problems:
        first = problem.object.partition(" ")[0]
        views = (Viewpoint(selected=(first,)),) if _GUID.fullmatch(first) else ()
        text = f"{problem.object}: {problem.message}" + (f". {problem.advice}" if problem.advice else "")
        title = f"{problem.rule}: {problem.message}"[:200]
        priority = priorities[problem.severity]
        topics.append(Topic(title, author, text, priority=priority, labels=(problem.rule,), viewpoints=views))
    return topics


def read_bcf(path: str | os.PathLike[str]) -> list[Topic]:
    """Read the topics of a BCF file (3.0, 2.1 or 2.0).

    Raises
    ------
    MissingSourceError, LoadError, MissingLibraryError
        When it is not there, broken, or the bcf library is not installed.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingSourceError(file, "there is no such file", "check the path")
    _check_archive(file)
    bcfxml, _ = _library()
    try:
        with bcfxml.load(file) as archive:
            return [_topic(handler) for handler in archive.topics.values()]
    except Exception as error:  # the XML library, zipfile and bcf each have their own tree
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise LoadError(file, f"is no BCF file that can be read ({reason})", "export it again as BCF 3.0") from error


def write_bcf(topics: Sequence[Topic], path: str | os.PathLike[str], project: str = "") -> Path:
    """Write topics as BCF 3.0; an older file stays as it was until the new one is whole.

    Raises
    ------
    PackageError, MissingLibraryError
        When the file cannot be written, or the bcf library is not installed.
    """
    from bcf.v3.bcfxml import BcfXml  # noqa: PLC0415 - optional

    _, model = _library()
    target = Path(path)
    archive = BcfXml.create_new(project or target.stem)
    archive.extensions = _extensions(model, topics)
    for topic in topics:
        _add(archive, model, topic)
    fresh = target.with_name(f".{target.name}.part")
    try:
        archive.save(fresh)
        fresh.replace(target)
    except OSError as error:
        raise PackageError(target, f"cannot be written ({error.strerror})", "check the folder") from error
    return target


def _library() -> tuple[Any, Any]:
    try:
        import bcf.bcfxml  # noqa: PLC0415 - optional and slow
        import bcf.v3.model  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("bcf-client", "is not installed", 'pip install "citytwin[bim]"') from error
    return bcf.bcfxml, bcf.v3.model


def _check_archive(file: Path) -> None:
    """Refuse what is no zip, unpacks to far too much, or declares XML entities."""
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) > _MOST_FILES or sum(info.file_size for info in infos) > _LARGEST:
                raise LoadError(file, "would unpack to more than 512 MB, which looks like a zip bomb", "check the file")
            for info in infos:
                if info.filename.lower().endswith((".bcf", ".bcfv", ".bcfp", ".xml", ".version")):
                    head = archive.read(info)[:65_536]
                    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                        raise LoadError(file, f"{info.filename} declares entities", "export it again without them")
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise LoadError(file, f"is no BCF file that can be read ({error})", "export it again as BCF 3.0") from error


def _topic(handler: Any) -> Topic:
    topic = handler.topic
    labels = getattr(topic, "labels", None)
    return Topic(
        title=topic.title,
        author=topic.creation_author,
        description=topic.description or "",
        type=topic.topic_type or "",
        status=topic.topic_status or "",
        priority=topic.priority or "",
        assigned_to=topic.assigned_to or "",
        labels=tuple(getattr(labels, "label", labels) or ()),
        date=topic.creation_date.to_datetime(),
        comments=tuple(
            Comment(each.comment or "", each.author, each.date.to_datetime()) for each in handler.comments or ()
        ),
        viewpoints=tuple(_viewpoint(each) for each in handler.viewpoints.values()),
        guid=topic.guid,
    )


def _viewpoint(handler: Any) -> Viewpoint:
    info = handler.visualization_info
    parallel = info.orthogonal_camera
    camera = info.perspective_camera or parallel
    place: dict[str, Any] = {}
    if camera is not None:
        place = {
            "position_m": _vector(camera.camera_view_point),
            "direction": _unit(_vector(camera.camera_direction)),
            "up": _unit(_vector(camera.camera_up_vector)),
            "field_of_view_deg": 0.0 if info.perspective_camera is None else float(camera.field_of_view),
            "view_height_m": float(parallel.view_to_world_scale) if info.perspective_camera is None else 0.0,
        }
    return Viewpoint(
        **place,
        selected=tuple(handler.get_selected_guids() or ()),
        hidden=_hidden(info.components),
        planes=tuple(
            (_vector(plane.location), _unit(_vector(plane.direction)))
            for plane in (info.clipping_planes.clipping_plane if info.clipping_planes else ())
        ),
        snapshot=handler.snapshot or b"",
    )


def _hidden(components: Any) -> tuple[str, ...]:
    visibility = components.visibility if components is not None else None
    if visibility is None or not visibility.default_visibility or visibility.exceptions is None:
        return ()
    return tuple(each.ifc_guid for each in visibility.exceptions.component if each.ifc_guid)


def _vector(point: Any) -> Vector:
    return float(point.x), float(point.y), float(point.z)


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(part * part for part in vector)) or 1.0
    return vector[0] / length, vector[1] / length, vector[2] / length


def _extensions(model: Any, topics: Sequence[Topic]) -> Any:
    def unique(values: Iterable[str]) -> list[str]:
        return sorted({value for value in values if value})

    return model.Extensions(
        topic_types=model.ExtensionsTopicTypes(topic_type=unique(topic.type for topic in topics)),
        topic_statuses=model.ExtensionsTopicStatuses(topic_status=unique(topic.status for topic in topics)),
        priorities=model.ExtensionsPriorities(priority=unique(topic.priority for topic in topics)),
        topic_labels=model.ExtensionsTopicLabels(topic_label=unique(e for topic in topics for e in topic.labels)),
        users=model.ExtensionsUsers(
            user=unique(name for topic in topics for name in (topic.author, topic.assigned_to))
        ),
    )


def _add(archive: Any, model: Any, topic: Topic) -> None:
    from bcf.v3.topic import TopicHandler  # noqa: PLC0415 - optional
    from bcf.v3.visinfo import VisualizationInfoHandler  # noqa: PLC0415

    written = model.Topic(
        title=topic.title,
        description=topic.description,
        creation_author=topic.author,
        creation_date=_moment(topic.date),
        guid=topic.guid,
        topic_type=topic.type,
        topic_status=topic.status,
        priority=topic.priority or None,
        assigned_to=topic.assigned_to or None,
        labels=model.TopicLabels(label=list(topic.labels)) if topic.labels else None,
    )
    folder: Any = Path(topic.guid)  # as the library itself does for fresh topics
    handler = TopicHandler(topic_dir=folder)
    handler.markup = model.Markup(topic=written)
    archive.topics[topic.guid] = handler
    if topic.comments:
        handler.comments = [
            model.Comment(date=_moment(each.date), author=each.author, comment=each.text, guid=str(uuid.uuid4()))
            for each in topic.comments
        ]
    for number, view in enumerate(topic.viewpoints):
        guid = str(uuid.uuid4())
        name, picture = f"viewpoint-{number}.bcfv", f"snapshot-{number}.png" if view.snapshot else None
        info = _info(model, view, guid)
        handler.viewpoints[name] = VisualizationInfoHandler(info, view.snapshot or None)
        written.viewpoints = written.viewpoints or model.TopicViewpoints()
        entry = model.ViewPoint(viewpoint=name, snapshot=picture, index=number, guid=guid)
        written.viewpoints.view_point.append(entry)


def _info(model: Any, view: Viewpoint, guid: str) -> Any:
    camera = {
        "camera_view_point": _point(model, view.position_m),
        "camera_direction": _direction(model, view.direction),
        "camera_up_vector": _direction(model, view.up),
        "aspect_ratio": 1.5,
    }
    kind = (
        {"orthogonal_camera": model.OrthogonalCamera(**camera, view_to_world_scale=view.view_height_m)}
        if view.view_height_m > 0
        else {"perspective_camera": model.PerspectiveCamera(**camera, field_of_view=view.field_of_view_deg)}
    )
    exceptions = [model.Component(ifc_guid=each) for each in view.hidden]
    visibility = model.ComponentVisibility(
        default_visibility=True,
        exceptions=model.ComponentVisibilityExceptions(component=exceptions) if exceptions else None,
    )
    chosen = [model.Component(ifc_guid=each) for each in view.selected]
    planes = [
        model.ClippingPlane(location=_point(model, at), direction=_direction(model, way)) for at, way in view.planes
    ]
    return model.VisualizationInfo(
        components=model.Components(
            selection=model.ComponentSelection(component=chosen) if chosen else None, visibility=visibility
        ),
        **kind,
        clipping_planes=model.VisualizationInfoClippingPlanes(clipping_plane=planes) if planes else None,
        guid=guid,
    )


def _point(model: Any, at: Vector) -> Any:
    return model.Point(x=at[0], y=at[1], z=at[2])


def _direction(model: Any, way: Vector) -> Any:
    return model.Direction(x=way[0], y=way[1], z=way[2])


def _moment(date: datetime) -> Any:
    from xsdata.models.datatype import XmlDateTime  # noqa: PLC0415 - optional

    return XmlDateTime.from_datetime(date)
