/** A heat map on the ground: objects are gathered in cells, and the graphics card spreads them with a Gaussian. */

import {
  BufferAttribute,
  BufferGeometry,
  Camera,
  DataTexture,
  FloatType,
  Mesh,
  NearestFilter,
  PlaneGeometry,
  RGBAFormat,
  Scene,
  ShaderMaterial,
  Vector2,
  type WebGLRenderer,
  WebGLRenderTarget,
} from "three";
import type { GroundGrid, HeatSpec, PictureFacts } from "./picture_api";
import { BLUR_FRAGMENT, BLUR_VERTEX, HEAT_FRAGMENT, HEAT_VERTEX } from "./picture_shaders";
import { paletteTexture } from "./ramp";

/** Cells along the longer side at most, and within a radius where there is room for them. */
const MOST_CELLS = 512;
const CELLS_IN_RADIUS = 6;
/** Points of the surface along its longer side. */
const MOST_POINTS = 224;
const LIFT_M = 0.8;
const M2_IN_KM2 = 1e6;

/** Weights and numbers of objects in square cells, row by row from the south-west. */
export interface Cells {
  x0: number;
  y0: number;
  cell_m: number;
  columns: number;
  rows: number;
  /** Sum of weights and number of objects of each cell, four numbers a cell as a texture holds them. */
  data: Float32Array;
}

/** Gathers points (x, y, weight) in cells, each shared out to the four cells around it. */
export function gather(points: Float32Array, radius_m: number): Cells | null {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < points.length; at += 3) {
    x0 = Math.min(x0, points[at] as number);
    x1 = Math.max(x1, points[at] as number);
    y0 = Math.min(y0, points[at + 1] as number);
    y1 = Math.max(y1, points[at + 1] as number);
  }
  if (x0 > x1) return null;
  const wide = Math.max(x1 - x0, y1 - y0) + 2.4 * radius_m;
  const cell_m = Math.max(radius_m / CELLS_IN_RADIUS, wide / MOST_CELLS);
  const columns = Math.max(2, Math.ceil((x1 - x0 + 2.4 * radius_m) / cell_m));
  const rows = Math.max(2, Math.ceil((y1 - y0 + 2.4 * radius_m) / cell_m));
  const left = (x0 + x1) / 2 - (columns * cell_m) / 2;
  const below = (y0 + y1) / 2 - (rows * cell_m) / 2;
  const data = new Float32Array(columns * rows * 4);
  for (let at = 0; at < points.length; at += 3) {
    const x = ((points[at] as number) - left) / cell_m - 0.5;
    const y = ((points[at + 1] as number) - below) / cell_m - 0.5;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [right, up] = [x - column, y - row];
    for (let corner = 0; corner < 4; corner++) {
      const share = (corner & 1 ? right : 1 - right) * (corner & 2 ? up : 1 - up);
      const place = 4 * ((row + (corner >> 1)) * columns + column + (corner & 1));
      data[place] = (data[place] as number) + share * (points[at + 2] as number);
      data[place + 1] = (data[place + 1] as number) + share;
    }
  }
  return { x0: left, y0: below, cell_m, columns, rows, data };
}

export class Heat {
  readonly object: Mesh<BufferGeometry, ShaderMaterial>;
  readonly facts: PictureFacts;
  private readonly target: WebGLRenderTarget;
  private readonly palette: DataTexture;

  constructor(renderer: WebGLRenderer, spec: HeatSpec) {
    if (!renderer.extensions.has("EXT_color_buffer_float")) throw new Error("This graphics card cannot draw heat maps: it has no float targets");
    const cells = gather(spec.points, spec.radius_m);
    if (!cells) throw new Error("No object has a place and a value");
    this.target = blurred(renderer, cells, spec.radius_m / 3 / cells.cell_m);
    const mean = spec.measure === "mean";
    const factor = M2_IN_KM2 / cells.cell_m ** 2;
    const { low, high, support } = range(renderer, this.target, mean, factor);
    this.facts = { low, high };
    this.palette = paletteTexture(spec.palette.rgba);
    const material = new ShaderMaterial({
      vertexShader: HEAT_VERTEX,
      fragmentShader: HEAT_FRAGMENT,
      uniforms: {
        uHeat: { value: this.target.texture },
        uPalette: { value: this.palette },
        uCells: { value: new Vector2(cells.columns, cells.rows) },
        uRange: { value: new Vector2(low, high) },
        uFactor: { value: factor },
        uMean: { value: mean ? 1 : 0 },
        uSupport: { value: support },
        uOpacity: { value: spec.opacity },
      },
      transparent: true,
      depthWrite: false,
      toneMapped: false,
    });
    this.object = new Mesh(surface(cells, spec.ground), material);
    this.object.renderOrder = 4;
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    this.palette.dispose();
    this.target.dispose();
  }
}

function blurred(renderer: WebGLRenderer, cells: Cells, sigma: number): WebGLRenderTarget {
  const make = (): WebGLRenderTarget =>
    new WebGLRenderTarget(cells.columns, cells.rows, { type: FloatType, format: RGBAFormat, minFilter: NearestFilter, magFilter: NearestFilter, depthBuffer: false });
  const gathered = new DataTexture(cells.data, cells.columns, cells.rows, RGBAFormat, FloatType);
  gathered.needsUpdate = true;
  const uniforms = { uCells: { value: gathered as unknown }, uStep: { value: new Vector2(1, 0) }, uReach: { value: Math.max(1, Math.ceil(3 * sigma)) }, uSigma: { value: Math.max(sigma, 0.3) } };
  const material = new ShaderMaterial({ vertexShader: BLUR_VERTEX, fragmentShader: BLUR_FRAGMENT, uniforms, depthTest: false, depthWrite: false });
  const quad = new Mesh(new PlaneGeometry(2, 2), material);
  quad.frustumCulled = false;
  const scene = new Scene();
  scene.add(quad);
  const [half, whole] = [make(), make()];
  const before = { target: renderer.getRenderTarget(), shadows: renderer.shadowMap.needsUpdate };
  renderer.shadowMap.needsUpdate = false;
  for (const [source, step, into] of [[gathered, new Vector2(1, 0), half], [half.texture, new Vector2(0, 1), whole]] as const) {
    uniforms.uCells.value = source;
    uniforms.uStep.value = step;
    renderer.setRenderTarget(into);
    renderer.render(scene, new Camera());
  }
  renderer.setRenderTarget(before.target);
  renderer.shadowMap.needsUpdate = before.shadows;
  gathered.dispose();
  half.dispose();
  quad.geometry.dispose();
  material.dispose();
  return whole;
}

/** Ends of the values, and the number of objects that counts as full support of a mean. */
function range(renderer: WebGLRenderer, target: WebGLRenderTarget, mean: boolean, factor: number): { low: number; high: number; support: number } {
  const cells = new Float32Array(target.width * target.height * 4);
  renderer.readRenderTargetPixels(target, 0, 0, target.width, target.height, cells);
  let support = 0;
  for (let at = 0; at < cells.length; at += 4) support = Math.max(support, cells[at + 1] as number);
  let [low, high] = mean ? [Infinity, -Infinity] : [0, 0];
  const enough = support * 0.02;
  for (let at = 0; at < cells.length; at += 4) {
    if (!mean) high = Math.max(high, (cells[at] as number) * factor);
    else if ((cells[at + 1] as number) > enough) {
      const value = (cells[at] as number) / (cells[at + 1] as number);
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return { low, high: high > low ? high : low + 1, support: support * 0.08 };
}

/** A grid of triangles over the cells that follows the ground. */
function surface(cells: Cells, ground: GroundGrid | null): BufferGeometry {
  const wide = cells.columns * cells.cell_m;
  const high = cells.rows * cells.cell_m;
  const step = Math.max(wide, high) / MOST_POINTS;
  const geometry = new PlaneGeometry(wide, high, Math.max(1, Math.round(wide / step)), Math.max(1, Math.round(high / step)));
  const places = geometry.getAttribute("position") as BufferAttribute;
  for (let i = 0; i < places.count; i++) {
    const x = cells.x0 + wide / 2 + places.getX(i);
    const y = cells.y0 + high / 2 + places.getY(i);
    places.setXYZ(i, x, y, LIFT_M + heightAt(ground, x, y));
  }
  geometry.computeBoundingSphere();
  return geometry;
}

/** Height of the ground, bilinear; the edge goes on outside. */
export function heightAt(ground: GroundGrid | null, x: number, y: number): number {
  if (!ground) return 0;
  const along = (value: number, low: number, high: number, count: number): [number, number] => {
    const at = Math.min(count - 1, Math.max(0, ((value - low) / (high - low)) * (count - 1)));
    const first = Math.min(count - 2, Math.floor(at));
    return [first, at - first];
  };
  const [column, right] = along(x, ground.x0, ground.x1, ground.columns);
  const [row, up] = along(y, ground.y0, ground.y1, ground.rows);
  const at = (c: number, r: number): number => ground.heights[r * ground.columns + c] as number;
  return (at(column, row) * (1 - right) + at(column + 1, row) * right) * (1 - up) + (at(column, row + 1) * (1 - right) + at(column + 1, row + 1) * right) * up;
}
