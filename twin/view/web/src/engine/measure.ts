/** Measuring distance, height and area by clicks on any surface. */

import { BufferGeometry, CanvasTexture, Float32BufferAttribute, Group, Mesh, MeshBasicMaterial, SphereGeometry, Sprite, SpriteMaterial, SRGBColorSpace, Vector3, DoubleSide, type PerspectiveCamera } from "three";
import { LineSegments2 } from "three/addons/lines/LineSegments2.js";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { LineSegmentsGeometry } from "three/addons/lines/LineSegmentsGeometry.js";
import { ShapeUtils, Vector2 } from "three";
import type { Measurement, MeasureKind } from "./api";

const COLOUR = "#0b66e4";

/** Value of a measurement from its points (metres, square metres). */
export function measured(kind: MeasureKind, points: Vector3[], done: boolean): Measurement {
  const first = points[0] ?? new Vector3();
  const last = points[points.length - 1] ?? first;
  const measurement: Measurement = { kind, points: points.map((p) => p.toArray()), value: 0, horizontal: 0, vertical: last.z - first.z, done };
  if (kind === "height") {
    measurement.value = Math.abs(last.z - first.z);
    measurement.horizontal = Math.hypot(last.x - first.x, last.y - first.y);
  } else if (kind === "distance") {
    for (let i = 1; i < points.length; i++) {
      measurement.value += points[i].distanceTo(points[i - 1]);
      measurement.horizontal += Math.hypot(points[i].x - points[i - 1].x, points[i].y - points[i - 1].y);
    }
  } else {
    // Newell: the vector area of a polygon in space, from its first corner for the sake of precision.
    const area = new Vector3();
    for (let i = 1; i + 1 < points.length; i++) {
      area.add(points[i].clone().sub(first).cross(points[i + 1].clone().sub(first)));
    }
    measurement.value = area.length() / 2;
    measurement.horizontal = Math.abs(area.z) / 2;
  }
  return measurement;
}

/** Text of a value, in metres, kilometres, square metres or hectares. */
export function valueText({ kind, value }: Measurement): string {
  const digits = (number: number): string => number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 2 : number < 1000 ? 1 : 0 });
  if (kind === "area") return value >= 1e5 ? `${digits(value / 1e4)} ha` : `${digits(value)} m²`;
  return value >= 10_000 ? `${digits(value / 1000)} km` : `${digits(value)} m`;
}

function label(text: string): Sprite {
  const scale = 2;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const font = `600 ${15 * scale}px system-ui, "Noto Sans CJK SC", sans-serif`;
  context.font = font;
  canvas.width = Math.ceil(context.measureText(text).width) + 22 * scale;
  canvas.height = 28 * scale;
  context.font = font;
  context.fillStyle = COLOUR;
  context.beginPath();
  context.roundRect(0, 0, canvas.width, canvas.height, 14 * scale);
  context.fill();
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, canvas.width / 2, canvas.height / 2 + scale);
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  const sprite = new Sprite(new SpriteMaterial({ map: texture, depthTest: false, depthWrite: false, sizeAttenuation: false, toneMapped: false, fog: false }));
  sprite.userData.pixels = [canvas.width / scale, canvas.height / scale];
  sprite.center.set(0.5, -0.35);
  sprite.renderOrder = 30;
  return sprite;
}

/** One measurement's picture. */
class Drawing {
  readonly group = new Group();

  constructor(measurement: Measurement, width: number, height: number) {
    const points = measurement.points.map((p) => new Vector3(...p));
    const path = this.path(measurement.kind, points);
    if (path.length > 1) {
      const flat = path.slice(1).flatMap((p, i) => [...path[i].toArray(), ...p.toArray()]);
      const line = new LineSegments2(new LineSegmentsGeometry().setPositions(flat), new LineMaterial({ color: COLOUR, linewidth: 3, depthTest: false, transparent: true, toneMapped: false, fog: false }));
      line.material.resolution.set(width, height);
      line.renderOrder = 28;
      line.frustumCulled = false;
      this.group.add(line);
    }
    if (measurement.kind === "area" && points.length > 2) this.group.add(this.fill(points));
    const ball = new MeshBasicMaterial({ color: "#ffffff", depthTest: false, toneMapped: false, fog: false });
    const rim = new MeshBasicMaterial({ color: COLOUR, depthTest: false, toneMapped: false, fog: false });
    for (const point of points) {
      for (const [material, size, order] of [[rim, 5.5, 29], [ball, 3.2, 30]] as const) {
        const marker = new Mesh(new SphereGeometry(1, 16, 12), material);
        marker.position.copy(point);
        marker.userData.radius = size;
        marker.renderOrder = order;
        this.group.add(marker);
      }
    }
    if (points.length > 1) {
      const text = label(valueText(measurement));
      text.position.copy(measurement.kind === "area" ? points.reduce((s, p) => s.add(p), new Vector3()).divideScalar(points.length) : path[path.length - 1].clone().lerp(path[path.length - 2], 0.5));
      this.group.add(text);
    }
  }

  /** Markers and labels keep their size on the screen. */
  scale(camera: PerspectiveCamera, height: number): void {
    const perPixel = (2 * Math.tan((camera.fov * Math.PI) / 360)) / height;
    for (const child of this.group.children) {
      if (child instanceof Sprite) child.scale.set(child.userData.pixels[0] * perPixel, child.userData.pixels[1] * perPixel, 1);
      else if (child.userData.radius) child.scale.setScalar(child.userData.radius * perPixel * child.position.distanceTo(camera.position));
    }
  }

  dispose(): void {
    this.group.removeFromParent();
    this.group.traverse((object) => {
      const { geometry, material } = object as Mesh<BufferGeometry, MeshBasicMaterial>;
      geometry?.dispose();
      material?.map?.dispose();
      material?.dispose();
    });
  }

  private path(kind: MeasureKind, points: Vector3[]): Vector3[] {
    if (kind === "height" && points.length > 1) {
      const [a, b] = points;
      const corner = a.z > b.z ? new Vector3(a.x, a.y, b.z) : new Vector3(b.x, b.y, a.z);
      return a.z > b.z ? [b, corner, a] : [a, corner, b];
    }
    return kind === "area" && points.length > 2 ? [...points, points[0]] : points;
  }

  private fill(points: Vector3[]): Mesh {
    const faces = ShapeUtils.triangulateShape(points.map((p) => new Vector2(p.x, p.y)), []);
    const geometry = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(points.flatMap((p) => p.toArray()), 3));
    geometry.setIndex(faces.flat());
    const mesh = new Mesh(geometry, new MeshBasicMaterial({ color: COLOUR, transparent: true, opacity: 0.22, side: DoubleSide, depthTest: false, toneMapped: false, fog: false }));
    mesh.renderOrder = 27;
    return mesh;
  }
}

export class Measuring {
  readonly group = new Group();
  private kind: MeasureKind | null = null;
  private points: Vector3[] = [];
  private current: Drawing | null = null;
  private readonly finished: Drawing[] = [];

  constructor(
    private readonly size: () => { width: number; height: number },
    private readonly told: (measurement: Measurement | null) => void,
  ) {}

  get active(): boolean {
    return this.kind !== null;
  }

  begin(kind: MeasureKind): void {
    this.drop();
    this.kind = kind;
  }

  /** Leave measuring; an unfinished measurement goes. */
  stop(): void {
    this.drop();
    if (this.kind) this.told(null);
    this.kind = null;
  }

  clear(): void {
    this.drop();
    for (const drawing of this.finished.splice(0)) drawing.dispose();
    this.told(null);
  }

  /** A click on a surface. */
  add(point: Vector3): void {
    if (!this.kind) return;
    this.points.push(point.clone());
    const done = this.kind === "height" && this.points.length === 2;
    this.show(this.points, done);
    if (done) this.finish();
  }

  /** The cursor moved: show what a click here would give. */
  preview(point: Vector3): void {
    if (this.kind && this.points.length > 0) this.show([...this.points, point], false);
  }

  /** A double click ends a path or an area; its two clicks left the last point twice. */
  end(): void {
    if (!this.kind || this.kind === "height") return;
    while (this.points.length > 1 && this.points[this.points.length - 1].distanceTo(this.points[this.points.length - 2]) < 0.02) this.points.pop();
    if (this.points.length < (this.kind === "area" ? 3 : 2)) return;
    this.show(this.points, true);
    this.finish();
  }

  scale(camera: PerspectiveCamera, height: number): void {
    for (const drawing of this.finished) drawing.scale(camera, height);
    this.current?.scale(camera, height);
  }

  dispose(): void {
    this.drop();
    for (const drawing of this.finished.splice(0)) drawing.dispose();
  }

  private show(points: Vector3[], done: boolean): void {
    const measurement = measured(this.kind as MeasureKind, points, done);
    const { width, height } = this.size();
    this.current?.dispose();
    this.current = new Drawing(measurement, width, height);
    this.group.add(this.current.group);
    this.told(measurement);
  }

  private finish(): void {
    if (this.current) this.finished.push(this.current);
    this.current = null;
    this.points = [];
  }

  private drop(): void {
    this.current?.dispose();
    this.current = null;
    this.points = [];
  }
}
