"""Names for people, in English and Chinese, of classes, themes and usual attributes."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from twin.view.words_bim import BIM_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "Building": "建筑", "BuildingPart": "建筑部分", "BuildingUnit": "建筑单元", "Storey": "楼层",
        "BuildingRoom": "房间", "BuildingConstructiveElement": "建筑构件", "BuildingInstallation": "建筑设施",
        "BuildingFurniture": "家具", "Door": "门", "Window": "窗", "Road": "道路", "Railway": "铁路",
        "Track": "小径", "Square": "广场", "Waterway": "航道", "TrafficArea": "交通面",
        "AuxiliaryTrafficArea": "交通附属面", "WaterBody": "水体", "PlantCover": "植被",
        "SolitaryVegetationObject": "树木", "CityFurniture": "城市家具", "Bridge": "桥梁", "BridgePart": "桥梁部分",
        "BridgeConstructiveElement": "桥梁构件", "Tunnel": "隧道", "TunnelPart": "隧道部分",
        "TunnelConstructiveElement": "隧道构件", "ReliefFeature": "地形", "LandUse": "用地",
        "GenericOccupiedSpace": "一般空间对象", "OtherConstruction": "其他构筑物", "CityObjectGroup": "城市对象组",
        "Device": "设备", "Pipe": "管线", "PipeFitting": "管件", "Manhole": "检查井", "District": "行政区划",
        "PointOfInterest": "兴趣点", "PowerLine": "电力线路", "TransitRoute": "公交线路",
        "TransitStop": "公交站点", "TransitTrip": "班次", "Site": "场地", "PointCloud": "点云块",
        "ReferenceLine": "参考线", "Task": "施工任务", "Record": "档案记录",
        "TrafficSpace": "交通空间", "AuxiliaryTrafficSpace": "交通附属空间",
        "ClearanceSpace": "净空", "Section": "路段", "Intersection": "交叉口",
    }
)  # fmt: skip
THEMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "buildings": ("Buildings", "建筑"), "bim": ("Building models", "建筑信息模型"), "roads": ("Roads", "道路"),
        "water": ("Water", "水系"), "landuse": ("Land use", "用地"), "trees": ("Trees", "树木"),
        "terrain": ("Terrain", "地形"), "pipes": ("Pipes", "地下管线"), "districts": ("Districts", "行政区划"),
        "points": ("Points of interest", "兴趣点"), "pointcloud": ("Point cloud", "点云"),
        "sensors": ("Sensors", "监测设备"),
        "generic": ("Objects", "其他对象"),
    }
)  # fmt: skip
LAYERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bridges": ("Bridges", "桥梁"), "manholes": ("Manholes", "检查井"), "green": ("Green", "绿地"),
        "pois": ("Points of interest", "兴趣点"), "railways": ("Railways", "铁路"), "streets": ("Streets", "街道"),
    }
)  # fmt: skip
COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "height_m": ("Height", "高度"), "storeys": ("Storeys", "层数"), "levels": ("Storeys", "层数"),
        "storeys_above_ground": ("Storeys above ground", "地上层数"), "year": ("Year", "建成年份"),
        "function": ("Function", "功能"), "usage": ("Use", "用途"), "class": ("Class", "类别"),
        "diameter_m": ("Diameter", "管径"), "length_m": ("Length", "长度"), "width_m": ("Width", "宽度"),
        "area_m2": ("Area", "面积"), "volume_m3": ("Volume", "体积"), "ifc_class": ("IFC class", "IFC 类"),
        "material": ("Material", "材料"), "address": ("Address", "地址"), "elevation_m": ("Elevation", "高程"),
        "lanes": ("Lanes", "车道数"), "species": ("Species", "树种"), "depth_m": ("Depth", "埋深"),
        "population": ("Population", "人口"), "highway": ("Road class", "道路等级"),
        "base_m": ("Base height", "底部高程"), "roof_area_m2": ("Roof area", "屋顶面积"),
        "wall_area_m2": ("Wall area", "墙面面积"), "ground_area_m2": ("Ground area", "基底面积"),
        "lod": ("Level of detail", "细节层次"), "flood_depth_m": ("Flood depth", "淹没深度"),
        "use": ("Use", "用途"), "year_built": ("Year built", "建成年份"), "building": ("Building type", "建筑类型"),
        "min_height_m": ("Height of the underside", "底面高度"), "height_source": ("Source of the height", "高度来源"),
        "device_type": ("Device type", "设备类型"), "network": ("Network", "管网"),
        "name_en": ("English name", "英文名"),
        "point_count": ("Points", "点数"), "density_per_m2": ("Points per square metre", "点密度"),
        "main_class": ("Main class", "主要类别"), "low_m": ("Low points", "低点高程"),
        "high_m": ("High points", "高点高程"),
        "kind": ("Kind of object", "对象类型"), "layer": ("Layer", "图层"),
        **BIM_COLUMNS,
        "valid_from": ("Valid from", "生效时间"), "valid_to": ("Valid to", "失效时间"), "grade": ("Grade", "等级"),
    }
)  # fmt: skip


def kind_titles(kind: str) -> dict[str, str]:
    """Return the names of a class.

    Examples
    --------
    >>> kind_titles("BuildingRoom")
    {'en': 'Building room', 'zh': '房间'}
    """
    english = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).capitalize()
    return {"en": english, "zh": KINDS.get(kind, kind)}


def theme_titles(theme: str) -> dict[str, str]:
    """Return the names of a theme, those of ``generic`` for an unknown one."""
    english, chinese = THEMES.get(theme, THEMES["generic"])
    return {"en": english, "zh": chinese}


def layer_titles(name: str) -> dict[str, str] | None:
    """Return the names of a layer that is called like a theme or by another usual word, None for any other.

    Examples
    --------
    >>> layer_titles("manholes"), layer_titles("office_a")
    ({'en': 'Manholes', 'zh': '检查井'}, None)
    """
    found = THEMES.get(name) or LAYERS.get(name)
    return None if found is None else {"en": found[0], "zh": found[1]}


def column_titles(column: str) -> dict[str, str]:
    """Return the names of an attribute, its own name for an unknown one.

    Examples
    --------
    >>> column_titles("height_m")["zh"], column_titles("roof_type")["en"]
    ('高度', 'roof_type')
    """
    english, chinese = COLUMNS.get(column, (column, column))
    return {"en": english, "zh": chinese}
