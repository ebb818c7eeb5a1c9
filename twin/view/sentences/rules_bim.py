"""Rules of `twin check` about IFC models, IDS and places of models, for people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# rule: what it means and what to do, in English and in Chinese.
BIM_RULES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        "ifc-schema": (("breaks the EXPRESS schema", "correct it in the authoring tool and export again"),
            ("违反 EXPRESS 模式", "在建模软件中改正后重新导出")),
        "ifc-schema-unofficial": (
            ("its schema is no published version of IFC", "export as IFC2X3, IFC4 or IFC4X3_ADD2"),
            ("所用模式不是 IFC 的正式版本", "导出为 IFC2X3、IFC4 或 IFC4X3_ADD2")),
        "ifc-guid": (("its GlobalId is none", "correct it in the authoring tool and export again"),
            ("GlobalId 不合规", "在建模软件中改正后重新导出")),
        "ifc-guid-repeated": (
            ("several elements share one GlobalId", "correct it in the authoring tool and export again"),
            ("多个构件共用同一个 GlobalId", "在建模软件中改正后重新导出")),
        "ifc-project": (("the file does not hold exactly one project", "export each project to a file of its own"),
            ("文件中的项目不是恰好一个", "每个项目导出为单独的文件")),
        "ifc-sites": (
            ("the file does not hold exactly one site", "correct it in the authoring tool and export again"),
            ("文件中的场地不是恰好一个", "在建模软件中改正后重新导出")),
        "ifc-no-building": (("the file holds no building", "correct it in the authoring tool and export again"),
            ("文件中没有建筑", "在建模软件中改正后重新导出")),
        "ifc-spatial-structure": (("a part of the wrong whole", "correct it in the authoring tool and export again"),
            ("空间结构的从属关系有误", "在建模软件中改正后重新导出")),
        "ifc-declared": (
            ("declared by the project instead of standing in the spatial structure",
             "correct it in the authoring tool and export again"),
            ("由项目声明，而应位于空间结构中", "在建模软件中改正后重新导出")),
        "ifc-contained-twice": (
            ("a part that stands in the spatial structure as well",
             "correct it in the authoring tool and export again"),
            ("既是其他构件的组成部分，又单独位于空间结构中", "在建模软件中改正后重新导出")),
        "ifc-deprecated": (
            ("something that the schema has given up", "correct it in the authoring tool and export again"),
            ("使用了模式已弃用的内容", "在建模软件中改正后重新导出")),
        "ifc-loose": (("belongs to nothing that has an id", "remove it, or tie it in"),
            ("不属于任何有标识的对象", "删除，或与其他对象建立关联")),
        "ifc-unit-name": (
            ("a unit that the schema does not name", "write the unit as the table of IfcConversionBasedUnit has it"),
            ("模式中没有的单位名称", "按 IfcConversionBasedUnit 的表格书写单位")),
        "ifc-unit-factor": (
            ("a unit with the wrong factor", "write the unit as the table of IfcConversionBasedUnit has it"),
            ("单位的换算系数有误", "按 IfcConversionBasedUnit 的表格书写单位")),
        "ifc-unit-base": (
            ("a unit that is not converted to its SI unit",
             "write the unit as the table of IfcConversionBasedUnit has it"),
            ("单位没有换算到相应的国际单位", "按 IfcConversionBasedUnit 的表格书写单位")),
        "ifc-crs-missing": (
            ("no coordinate reference system where one is needed",
             "export with a map conversion and a projected system"),
            ("需要坐标参考系统而没有给出", "导出时带上地图转换和投影坐标系")),
        "ifc-epsg": (("the name of the system is no EPSG code", "write it as EPSG:n, such as EPSG:25832"),
            ("坐标系名称不是 EPSG 代码", "写成 EPSG:n，例如 EPSG:4547")),
        "ifc-datum": (("the name of the datum is no EPSG code", "write it as EPSG:n"),
            ("基准名称不是 EPSG 代码", "写成 EPSG:n")),
        "ifc-operations-differ": (
            ("contexts with different ways to the map", "correct it in the authoring tool and export again"),
            ("各几何上下文的坐标转换不一致", "在建模软件中改正后重新导出")),
        "ids-requirement": (
            ("breaks a requirement of the IDS", "complete the model in the authoring tool and export again"),
            ("不满足 IDS 的要求", "在建模软件中补全模型后重新导出")),
        "ids-missing": (
            ("nothing in the model is what the IDS requires",
             "complete the model in the authoring tool and export again"),
            ("模型中没有 IDS 要求的对象", "在建模软件中补全模型后重新导出")),
        "ids-prohibited": (
            ("the IDS does not allow it in the model", "complete the model in the authoring tool and export again"),
            ("IDS 不允许模型中出现该对象", "在建模软件中改正后重新导出")),
        "ids-version": (("the IDS is meant for another schema", "audit against an IDS for the schema of the model"),
            ("IDS 针对的是另一种模式", "使用与模型模式一致的 IDS")),
        "georeference-missing": (
            ("does not say where on Earth it lies", "name a system with --crs, or place it with --place"),
            ("没有说明其地理位置", "用 --crs 指定坐标系，或用 --place 定位")),
        "place-unknown": (
            ("stands beside the scene, since nobody says where it lies", "place it with --place FILE=E,N,H,ANGLE"),
            ("没有位置说明，暂置于场景旁", "用 --place FILE=E,N,H,ANGLE 定位")),
        "georeference-choice": (
            ("the place that was taken, and how sure it is", "if it is wrong, name another with --place"),
            ("采用的位置及其把握", "如有误，用 --place 指定")),
        "georeference-hypothesis": (("a place that was not taken", "take it with --place if it is the right one"),
            ("未采用的另一个位置", "若它才正确，用 --place 指定")),
        "georeference-crs": (
            ("its coordinate system is not written as it should be",
             "mend it in the authoring tool, or place the model"),
            ("坐标系的写法不规范", "在建模软件中改正，或为模型指定位置")),
        "georeference-contexts": (
            ("its contexts do not agree about its place", "mend it in the authoring tool, or place the model"),
            ("各几何上下文给出的位置不一致", "在建模软件中改正，或为模型指定位置")),
        "georeference-axes": (("easting and northing are swapped", "check the map conversion"),
            ("东坐标与北坐标颠倒", "检查地图转换")),
        "georeference-unit": (("the unit of its map conversion is not the one stated", "check the map conversion"),
            ("地图转换的单位与声明不符", "检查地图转换")),
        "georeference-scale": (("the scale of its map conversion fits no unit", "check the map conversion"),
            ("地图转换的比例与任何单位都不符", "检查地图转换")),
        "georeference-north": (("does not say where north is", "mend it in the authoring tool, or place the model"),
            ("没有说明真北方向", "在建模软件中改正，或为模型指定位置")),
        "georeference-rough": (("its place is roughly written", "mend it in the authoring tool, or place the model"),
            ("位置写得很粗略", "在建模软件中改正，或为模型指定位置")),
        "georeference-twice": (("it is georeferenced twice", "mend it in the authoring tool, or place the model"),
            ("进行了两次地理定位", "在建模软件中改正，或为模型指定位置")),
        "element-in-two-files": (
            ("two models hold the same element", "leave it out of one of the models, or leave out one of the files"),
            ("同一构件出现在两个模型中", "从其中一个模型中去掉它，或去掉其中一个文件")),
        "shape-stray": (("a shape far away from the rest", "repair its placement"),
            ("形体远离模型其余部分", "修正其放置")),
        "shape-left-out": (("a shape that could not be made", "repair or remove it"),
            ("形体无法生成", "修复或删除它")),
        "shape-invalid": (("a shape that is not sound", "repair it in the authoring tool"),
            ("形体不完好", "在建模软件中修复")),
        "line-invalid": (("a line with impossible coordinates", "repair it in the authoring tool"),
            ("线的坐标不合理", "在建模软件中修复")),
        "line-unreadable": (("a line that cannot be read", "repair it in the authoring tool"),
            ("线无法读取", "在建模软件中修复")),
        "schema-read-as": (("read as if it named another schema", "export it in a published schema"),
            ("按另一种模式读取", "导出为正式发布的模式")),
        "model-left-out": (("one of several models was left out", "repair it, or leave it out"),
            ("多个模型中有一个未读入", "修复它，或不再包含它")),
        "tree-circle": (("it is a part of itself", "correct it in the authoring tool and export again"),
            ("对象是自身的组成部分", "在建模软件中改正后重新导出")),
        "entity-unknown": (("an entity that its schema does not have", "export it in the schema that has it"),
            ("其模式中没有的实体", "按含有该实体的模式导出")),
        "text-encoding": (
            ("its texts are not written as the standard asks", "export it with a tool that follows the standard"),
            ("文本编码不符合标准", "用遵循标准的软件重新导出")),
        "global-id-missing": (("an element without a GlobalId", "export it again with GlobalIds"),
            ("构件没有 GlobalId", "导出时带上 GlobalId")),
        "global-id-repeated": (("a GlobalId that stands twice", "export it again"),
            ("GlobalId 重复出现", "重新导出")),
        "alignment-approximated": (
            ("a curve that is drawn as another one", "nothing, unless its exact course matters"),
            ("曲线以近似曲线绘制", "如需精确线形，请查看源文件")),
        "alignment-unreadable": (("an alignment that cannot be read", "repair it in the authoring tool"),
            ("线路中心线无法读取", "在建模软件中修复")),
        "attributes-unreadable": (("attributes that cannot be read", "repair it in the authoring tool"),
            ("属性无法读取", "在建模软件中修复")),
        "contents-unreadable": (("a part of the model that cannot be read", "repair it in the authoring tool"),
            ("模型的一部分无法读取", "在建模软件中修复")),
        "material-unreadable": (("a material that cannot be read", "repair it in the authoring tool"),
            ("材料无法读取", "在建模软件中修复")),
        "properties-unreadable": (("properties that cannot be read", "repair it in the authoring tool"),
            ("属性集无法读取", "在建模软件中修复")),
    }
)  # fmt: skip
