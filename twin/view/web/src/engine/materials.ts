/** Materials of the layers: a look by theme, patched so that objects take their colour and state from textures. */

import {
  Color,
  DoubleSide,
  FrontSide,
  LineBasicMaterial,
  type Material,
  MeshBasicMaterial,
  MeshDepthMaterial,
  MeshLambertMaterial,
  type Plane,
  PointsMaterial,
  type Texture,
  Vector3,
  type IUniform,
} from "three";
import type { LayerSpec } from "./api";
import type { ObjectStates } from "./objects";
import type { CloudLook } from "./points";
import {
  FRAGMENT_COLOUR,
  FRAGMENT_CUT,
  FRAGMENT_FACADE,
  FRAGMENT_HAZE,
  FRAGMENT_HEAD,
  FRAGMENT_LIGHT,
  FRAGMENT_SRGB,
  VERTEX_GONE,
  VERTEX_HAZE,
  VERTEX_HEAD,
  VERTEX_STATE,
} from "./shaders";

export type Uniforms = Record<string, IUniform>;

/** Look of a theme. `cover` = part of the ground: stays when objects are isolated. `lift` orders coplanar grounds. */
interface Style {
  colour: string;
  foot?: boolean;
  windows?: boolean;
  water?: boolean;
  cover?: boolean;
  casts?: boolean;
  lift: number;
  /** Share of paper white in colours that the data bring, for a calm picture in which overlays stand out. */
  wash?: number;
  solid?: boolean;
  /** Shapes are closed, so that a cut through them is filled. */
  closed?: boolean;
}

const STYLES: Record<string, Style> = {
  buildings: { colour: "#f2efe9", foot: true, windows: true, casts: true, lift: 0, wash: 0.5, solid: true, closed: true },
  bim: { colour: "#e9e6df", casts: true, lift: 0, closed: true },
  terrain: { colour: "#e3e8dc", cover: true, lift: 0 },
  landuse: { colour: "#d3e0c4", cover: true, lift: 1, wash: 0.15 },
  water: { colour: "#8fbfe0", water: true, cover: true, lift: 2, wash: 0.1 },
  roads: { colour: "#fbfaf7", cover: true, lift: 3, wash: 0.5 },
  trees: { colour: "#9dbd86", casts: true, lift: 0 },
  pipes: { colour: "#5b8fb0", casts: false, lift: 0, closed: true },
  districts: { colour: "#8a7fb0", cover: true, lift: 4 },
  points: { colour: "#e2574c", lift: 0 },
  pointcloud: { colour: "#b9bdc2", lift: 0 },
  sensors: { colour: "#1f9d8b", casts: true, lift: 0 },
  generic: { colour: "#d9d6d0", casts: true, lift: 0 },
};

/** Grounds that a base map is laid on: always, or where it is laid over everything flat. */
const DRAPED: Record<string, string[]> = { terrain: ["CITY_DRAPE"], landuse: ["CITY_DRAPE", "CITY_OVER"], water: ["CITY_DRAPE", "CITY_OVER"], roads: ["CITY_DRAPE", "CITY_OVER"] };

const styleOf = (theme: string): Style => STYLES[theme] ?? STYLES.generic;

/** Chunks of a Lambert material in place of three's loops over lights. */
export const LEAN_LIGHT: Record<string, string> = {
  lights_lambert_fragment: "",
  lights_fragment_begin: FRAGMENT_LIGHT,
  lights_fragment_maps: "",
  lights_fragment_end: "",
  colorspace_fragment: FRAGMENT_SRGB,
};

/** Samples along the slope of an image that is seen aslant, such as the ground. */
const ANISOTROPY = 4;

type Pass = "lit" | "plain" | "depth";

/** Add the object state to a built-in material. */
function patch(material: Material, uniforms: Uniforms, extra: string[], pass: Pass): void {
  const defines = pass === "depth" ? extra : [...extra, "CITY_PAINT"];
  const foot = defines.includes("CITY_FOOT");
  const head = defines.map((name) => `#define ${name}\n`).join("");
  const vertex: Record<string, string> = {
    begin_vertex: `#include <begin_vertex>\n${VERTEX_STATE}`,
    project_vertex: `#include <project_vertex>\n${VERTEX_GONE}`,
  };
  const fragment: Record<string, string> = pass === "depth" ? {} : { color_fragment: FRAGMENT_COLOUR };
  if (pass === "lit") {
    Object.assign(fragment, LEAN_LIGHT);
    fragment.normal_fragment_begin = `#include <normal_fragment_begin>\n${FRAGMENT_FACADE}`;
    fragment.dithering_fragment = FRAGMENT_CUT;
  }
  if (foot) {
    vertex.fog_vertex = VERTEX_HAZE;
    fragment.fog_fragment = FRAGMENT_HAZE;
  }
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = head + VERTEX_HEAD + replaced(shader.vertexShader, vertex);
    shader.fragmentShader = head + (pass === "depth" ? "" : FRAGMENT_HEAD) + replaced(shader.fragmentShader, fragment);
  };
  material.customProgramCacheKey = () => `city ${defines.join(" ")} ${pass}`;
}

/** Source with some of three's chunks replaced. */
export function replaced(source: string, chunks: Record<string, string>): string {
  return source.replace(/#include <(\w+)>/g, (whole, name: string) => chunks[name] ?? whole);
}

/** What a tile's object asks of its material. */
export interface Shape {
  type: "mesh" | "line" | "point";
  colours: boolean;
  flat: boolean;
  /** Too far away for windows to show. */
  far?: boolean;
  /** What lies on it; with holes where it is transparent. */
  image?: Texture | null;
  holes?: boolean;
}

/** The materials of one layer, made when a tile first needs them. */
export class LayerMaterials {
  readonly style: Style;
  private readonly draped: string[];
  readonly uniforms: Uniforms;
  readonly ghost: MeshBasicMaterial;
  readonly depth: MeshDepthMaterial;
  private readonly made = new Map<string, Material>();
  private opacity: number;
  private planes: Plane[] = [];
  /** Whether what lies behind all planes is cut, not what lies behind any. */
  private hole = false;

  constructor(
    layer: LayerSpec,
    shared: Uniforms,
    private readonly cloud: CloudLook | null = null,
  ) {
    this.style = styleOf(layer.theme);
    this.draped = DRAPED[layer.theme] ?? [];
    this.opacity = layer.opacity;
    this.uniforms = { ...shared, uTinted: { value: 0 }, uWash: { value: this.style.wash ?? 0 } };
    const ghostColour = new Color("#566479");
    this.ghost = new MeshBasicMaterial({ color: ghostColour, transparent: true, opacity: 0.13, depthWrite: false });
    patch(this.ghost, { ...this.uniforms, uBase: { value: ghostColour } }, ["CITY_GHOST"], "plain");
    this.depth = new MeshDepthMaterial({ side: DoubleSide });
    patch(this.depth, this.uniforms, this.style.cover ? ["CITY_COVER"] : [], "depth");
  }

  /** The material for a kind of geometry. */
  of(shape: Shape): Material {
    const key = `${shape.type} ${shape.colours} ${shape.flat} ${shape.far ?? false} ${shape.image?.uuid ?? ""}`;
    const known = this.made.get(key);
    if (known) return known;
    const material = this.make(shape);
    this.made.set(key, material);
    this.applyOpacity(material);
    this.applyPlanes(material);
    return material;
  }

  /** The depth material of a shape: light falls through the holes of an image. */
  depthOf(shape: Shape): MeshDepthMaterial {
    if (!shape.image || !shape.holes) return this.depth;
    const key = `depth ${shape.image.uuid}`;
    const known = this.made.get(key);
    if (known instanceof MeshDepthMaterial) return known;
    const material = new MeshDepthMaterial({ side: DoubleSide, map: shape.image, alphaTest: 0.5 });
    patch(material, this.uniforms, this.style.cover ? ["CITY_COVER"] : [], "depth");
    this.made.set(key, material);
    this.applyPlanes(material);
    return material;
  }

  /** Forget the materials of an image that is gone, with its tile. */
  private readonly release = ({ target: image }: { target: Texture }): void => {
    for (const [key, material] of this.made) {
      if (!key.endsWith(` ${image.uuid}`)) continue;
      material.dispose();
      this.made.delete(key);
    }
  };

  get casts(): boolean {
    return Boolean(this.style.casts) && this.opacity > 0.6;
  }

  setTinted(on: boolean): void {
    this.uniforms.uTinted.value = on ? 1 : 0;
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    for (const material of this.made.values()) {
      if (!(material instanceof MeshDepthMaterial)) this.applyOpacity(material);
    }
  }

  setPlanes(planes: Plane[], hole = false): void {
    this.planes = planes;
    this.hole = hole;
    for (const material of [...this.made.values(), this.ghost, this.depth]) this.applyPlanes(material);
  }

  dispose(): void {
    for (const material of [...this.made.values(), this.ghost, this.depth]) material.dispose();
    this.made.clear();
  }

  private make(shape: Shape): Material {
    const { style } = this;
    const base = { vertexColors: shape.colours };
    const uniforms = { ...this.uniforms, uBase: { value: new Color(shape.colours ? 0xffffff : style.colour) } };
    const defines = style.cover ? ["CITY_COVER"] : [];
    if (shape.type === "line") {
      const line = new LineBasicMaterial(base);
      patch(line, uniforms, defines, "plain");
      return line;
    }
    if (shape.type === "point") {
      const point = new PointsMaterial({ ...base, size: 7, sizeAttenuation: false });
      patch(point, uniforms, defines, "plain");
      return this.cloud?.dress(point) ?? point;
    }
    const mesh = new MeshLambertMaterial({
      ...base,
      flatShading: shape.flat,
      side: style.solid ? FrontSide : DoubleSide,
      shadowSide: DoubleSide,
      polygonOffset: style.lift > 0,
      polygonOffsetFactor: -style.lift,
      polygonOffsetUnits: -4 * style.lift,
    });
    defines.push(...this.draped);
    if (shape.image) {
      shape.image.anisotropy = ANISOTROPY;
      shape.image.addEventListener("dispose", this.release);
      mesh.map = shape.image;
      defines.push("CITY_IMAGE");
      if (shape.holes) defines.push("CITY_HOLES");
      patch(mesh, uniforms, defines, "lit");
      return mesh;
    }
    if (style.foot) defines.push("CITY_FOOT");
    if (style.windows && !shape.far) defines.push("CITY_WINDOWS");
    if (style.water) defines.push("CITY_WATER");
    patch(mesh, uniforms, defines, "lit");
    return mesh;
  }

  private applyOpacity(material: Material): void {
    const transparent = this.opacity < 0.999;
    if (material.transparent !== transparent) material.needsUpdate = true;
    material.transparent = transparent;
    material.opacity = this.opacity;
    material.depthWrite = !transparent || !this.style.cover;
    material.visible = this.opacity > 0.004;
  }

  private applyPlanes(material: Material): void {
    material.clippingPlanes = this.planes;
    material.clipIntersection = this.hole;
    material.clipShadows = true;
    if (material instanceof MeshLambertMaterial && this.style.solid) {
      material.side = this.planes.length > 0 && !this.hole ? DoubleSide : FrontSide;
    }
    material.needsUpdate = true;
  }
}

/** Values that all layers share. */
export function sharedUniforms(objects: ObjectStates): Uniforms {
  return {
    uCodes: { value: objects.codes },
    uFlags: { value: objects.flags },
    uPalette: { value: objects.palette },
    uIsolate: { value: 0 },
    uNight: { value: 0 },
    uPaper: { value: new Color(1, 1, 1) },
    uAccent: { value: new Color("#ff7a1a") },
    uCut: { value: 0 },
    uCutColour: { value: new Vector3(0.87, 0.36, 0.27) },
    uSky: { value: new Color("#cfe2f3") },
    uSunDirection: { value: new Vector3(0, 0, 1) },
    uPixel: { value: 0.001 },
  };
}
