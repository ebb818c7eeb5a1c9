"""Existing 3D content: models in files (glTF, OBJ, PLY, STL, VTK) and 3D Tiles."""
