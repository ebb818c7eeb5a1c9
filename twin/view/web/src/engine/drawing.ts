/** Pictures of measurements: lines, filled shapes, round marks and labels that keep their size on the screen. */

import { BufferGeometry, CanvasTexture, DoubleSide, Float32BufferAttribute, Group, Mesh, MeshBasicMaterial, type PerspectiveCamera, ShapeUtils, SphereGeometry, Sprite, SpriteMaterial, SRGBColorSpace, Vector2, Vector3 } from "three";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { LineSegments2 } from "three/addons/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/addons/lines/LineSegmentsGeometry.js";
import { KINDS, valueText } from "./measured";
import type { Measurement, MeasureKind } from "./tool_api";

const COLOUR = "#0b66e4";
const BLOCKED = "#d0342c";

/** A text that keeps its size on the screen. */
export function label(text: string, colour = COLOUR): Sprite {
  const scale = 2;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const font = `600 ${15 * scale}px system-ui, "Noto Sans CJK SC", sans-serif`;
  context.font = font;
  canvas.width = Math.ceil(context.measureText(text).width) + 22 * scale;
  canvas.height = 28 * scale;
  context.font = font;
  context.fillStyle = colour;
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
export class Drawing {
  readonly group = new Group();

  constructor(measurement: Measurement, width: number, height: number) {
    const points = measurement.points.map((p) => new Vector3(...p));
    const path = pathOf(measurement.kind, points);
    const blocked = measurement.sight?.blocked;
    if (blocked) {
      const stop = new Vector3(...blocked);
      this.group.add(lineOf([points[0] as Vector3, stop], COLOUR, width, height), lineOf([stop, points[1] as Vector3], BLOCKED, width, height), ...marker(stop, BLOCKED));
    } else if (path.length > 1) this.group.add(lineOf(path, COLOUR, width, height));
    if (KINDS[measurement.kind].closed && points.length > 2) this.group.add(this.fill(points));
    for (const point of points) this.group.add(...marker(point, COLOUR));
    if (points.length > 1) {
      const text = label(valueText(measurement));
      text.position.copy(labelPlace(measurement.kind, points, path));
      this.group.add(text);
    }
  }

  /** Markers and labels keep their size on the screen. */
  scale(camera: PerspectiveCamera, height: number): void {
    keepSize(this.group, camera, height);
  }

  dispose(): void {
    this.group.removeFromParent();
    release(this.group);
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


/** Lets the markers and labels of a group keep their size on the screen. */
export function keepSize(group: Group, camera: PerspectiveCamera, height: number): void {
  const perPixel = (2 * Math.tan((camera.fov * Math.PI) / 360)) / height;
  for (const child of group.children) {
    if (child instanceof Sprite) child.scale.set(child.userData.pixels[0] * perPixel, child.userData.pixels[1] * perPixel, 1);
    else if (child.userData.radius) child.scale.setScalar(child.userData.radius * perPixel * child.position.distanceTo(camera.position));
  }
}

/** Gives back what the graphics card holds for a group. */
export function release(group: Group): void {
  group.traverse((object) => {
    const { geometry, material } = object as Mesh<BufferGeometry, MeshBasicMaterial>;
    geometry?.dispose();
    material?.map?.dispose();
    material?.dispose();
  });
}

/** Where the lines of a measurement run. */
function pathOf(kind: MeasureKind, points: Vector3[]): Vector3[] {
  if (kind === "height" && points.length > 1) {
    const [a, b] = points as [Vector3, Vector3];
    const corner = a.z > b.z ? new Vector3(a.x, a.y, b.z) : new Vector3(b.x, b.y, a.z);
    return a.z > b.z ? [b, corner, a] : [a, corner, b];
  }
  return KINDS[kind].closed && points.length > 2 ? [...points, points[0] as Vector3] : points;
}

function labelPlace(kind: MeasureKind, points: Vector3[], path: Vector3[]): Vector3 {
  if (kind === "angle") return (points[1] as Vector3).clone();
  if (KINDS[kind].closed) return points.reduce((sum, p) => sum.add(p), new Vector3()).divideScalar(points.length);
  return (path[path.length - 1] as Vector3).clone().lerp(path[path.length - 2] as Vector3, 0.5);
}

/** A line of three pixels that is always seen. */
export function lineOf(path: Vector3[], color: string, width: number, height: number): LineSegments2 {
  const flat = path.slice(1).flatMap((p, i) => [...(path[i] as Vector3).toArray(), ...p.toArray()]);
  const line = new LineSegments2(new LineSegmentsGeometry().setPositions(flat), new LineMaterial({ color, linewidth: 3, depthTest: false, transparent: true, toneMapped: false, fog: false }));
  line.material.resolution.set(width, height);
  line.renderOrder = 28;
  line.frustumCulled = false;
  return line;
}

/** A round mark with a rim. */
export function marker(point: Vector3, colour: string): Mesh[] {
  return ([[colour, 5.5, 29], ["#ffffff", 3.2, 30]] as const).map(([color, radius, order]) => {
    const ball = new Mesh(new SphereGeometry(1, 16, 12), new MeshBasicMaterial({ color, depthTest: false, toneMapped: false, fog: false }));
    ball.position.copy(point);
    ball.userData.radius = radius;
    ball.renderOrder = order;
    return ball;
  });
}
