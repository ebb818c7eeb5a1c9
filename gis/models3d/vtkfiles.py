"""VTK files as triangles: legacy ``.vtk`` and the XML forms. The only door of VTK in gis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import LoadError, MissingLibraryError
from scenes.meshreading import NamedMesh

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FORMATS = frozenset({".vtk", ".vtp", ".vtu", ".vts", ".vtr", ".vti"})
_COLOURS = ("rgb", "rgba", "colors", "colours", "color")


def read_vtk(path: Path) -> NamedMesh:
    """Return the outer surface of a VTK data set.

    Raises
    ------
    LoadError
        When it is broken or has no surface.
    """
    try:
        import vtk  # noqa: PLC0415
        from vtk.util.numpy_support import vtk_to_numpy  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError(str(path), "needs VTK to be read", "pip install citytwin[app]") from error
    vtk.vtkObject.GlobalWarningDisplayOff()
    reader = vtk.vtkGenericDataObjectReader() if path.suffix.lower() == ".vtk" else _xml_reader(vtk, path)
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput()
    if data is None or not hasattr(data, "GetNumberOfCells") or not data.GetNumberOfCells():
        raise LoadError(str(path), "has no cells that can be shown", "export it again")
    surface = vtk.vtkDataSetSurfaceFilter()
    surface.SetInputData(data)
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputConnection(surface.GetOutputPort())
    triangles.PassLinesOff()
    triangles.PassVertsOff()
    triangles.Update()
    shape = triangles.GetOutput()
    if not shape.GetNumberOfPolys():
        raise LoadError(str(path), "has no surface", "export it with polygons")
    faces = vtk_to_numpy(shape.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    positions = vtk_to_numpy(shape.GetPoints().GetData()).astype(np.float64)
    return NamedMesh("", positions, faces, _colours(shape.GetPointData(), vtk_to_numpy))


def _xml_reader(vtk: Any, path: Path) -> Any:
    kinds = {".vtp": vtk.vtkXMLPolyDataReader, ".vtu": vtk.vtkXMLUnstructuredGridReader,
             ".vts": vtk.vtkXMLStructuredGridReader, ".vtr": vtk.vtkXMLRectilinearGridReader,
             ".vti": vtk.vtkXMLImageDataReader}  # fmt: skip
    return kinds[path.suffix.lower()]()


def _colours(data: Any, as_numpy: Any) -> NDArray[np.uint8] | None:
    for place in range(data.GetNumberOfArrays()):
        array = data.GetArray(place)
        if array is not None and str(array.GetName()).lower() in _COLOURS and array.GetNumberOfComponents() in {3, 4}:
            values = as_numpy(array)
            if values.dtype == np.uint8:
                full = np.full((len(values), 4), 255, np.uint8)
                full[:, : values.shape[1]] = values
                return full
    return None
