/** Cuts: planes and boxes that open the city, and the frames that show where. */

import { BufferGeometry, Float32BufferAttribute, LineBasicMaterial, LineSegments, Plane, Vector3 } from "three";
import type { Box6, SectionPlane } from "./api";
import type { SectionBox } from "./tool_api";

const RAD = Math.PI / 180;
/** Corners of the twelve edges of a box: bits say which of the two ends along x, y, z. */
const EDGES = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((corner) => [1, 2, 4].filter((bit) => !(corner & bit)).map((bit) => [corner, corner | bit] as const));

/** One cut: what is kept lies on the positive side of `plane`; `face` = corners, in order, of what can be seen of it. */
export interface Cut {
  plane: Plane;
  face: Vector3[];
}

/** Normal of a section; what lies on its positive side is cut away unless it is flipped. */
export function sectionNormal({ axis, azimuth_deg }: SectionPlane): Vector3 {
  if (axis === "x") return new Vector3(1, 0, 0);
  if (axis === "y") return new Vector3(0, 1, 0);
  if (axis === "z") return new Vector3(0, 0, 1);
  return new Vector3(Math.sin(azimuth_deg * RAD), Math.cos(azimuth_deg * RAD), 0);
}

/** Plane that keeps what lies on its positive side, as three.js clips. */
export function clippingPlane(section: SectionPlane): Plane {
  const normal = sectionNormal(section);
  return section.flipped ? new Plane(normal, -section.offset) : new Plane(normal.negate(), section.offset);
}

/** The one cut of a plane through a city. */
export function planeCut(section: SectionPlane, bounds: Box6): Cut {
  return { plane: clippingPlane(section), face: outline(sectionNormal(section), section.offset, bounds) };
}

/** The eight corners of a section box; bits of the place say which end along its own x, y, z. */
export function boxCorners({ centre, half, azimuth_deg }: SectionBox): Vector3[] {
  const east = new Vector3(Math.cos(azimuth_deg * RAD), -Math.sin(azimuth_deg * RAD), 0);
  const north = new Vector3(Math.sin(azimuth_deg * RAD), Math.cos(azimuth_deg * RAD), 0);
  return Array.from({ length: 8 }, (_, i) =>
    new Vector3(...centre)
      .addScaledVector(east, i & 1 ? half[0] : -half[0])
      .addScaledVector(north, i & 2 ? half[1] : -half[1])
      .setZ(centre[2] + (i & 4 ? half[2] : -half[2])),
  );
}

/** The six cuts of a box, each with its whole side. */
export function boxCuts(box: SectionBox): Cut[] {
  const corners = boxCorners(box);
  const middle = new Vector3(...box.centre);
  const sides = [[0, 2, 6, 4], [1, 3, 7, 5], [0, 1, 5, 4], [2, 3, 7, 6], [0, 1, 3, 2], [4, 5, 7, 6]];
  return sides.map((side) => {
    const face = side.map((corner) => corners[corner] as Vector3);
    const on = (face[0] as Vector3).clone().add(face[2] as Vector3).divideScalar(2);
    const inwards = middle.clone().sub(on).normalize();
    return { plane: new Plane().setFromNormalAndCoplanarPoint(inwards, on), face };
  });
}

/** Lines where the cuts leave the city's box, or along the edges of a section box. */
export class SectionFrame {
  readonly object: LineSegments<BufferGeometry, LineBasicMaterial>;

  constructor() {
    const material = new LineBasicMaterial({ color: "#d95c46", transparent: true, opacity: 0.75, toneMapped: false });
    this.object = new LineSegments(new BufferGeometry(), material);
    this.object.visible = false;
    this.object.frustumCulled = false;
  }

  show(plane: Cut | null, box: SectionBox | null): void {
    const face = plane?.face ?? [];
    const lines = face.flatMap((point, i) => [point, face[(i + 1) % face.length] as Vector3]);
    const corners = box ? boxCorners(box) : [];
    if (box) lines.push(...EDGES.flatMap(([a, b]) => [corners[a] as Vector3, corners[b] as Vector3]));
    this.object.visible = lines.length > 0;
    this.object.geometry.dispose();
    this.object.geometry = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(lines.flatMap((p) => p.toArray()), 3));
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
  }
}

/** Corners, in order, of the polygon in which a plane cuts a box. */
export function outline(normal: Vector3, offset: number, [x0, y0, z0, x1, y1, z1]: Box6): Vector3[] {
  const corners = Array.from({ length: 8 }, (_, i) => new Vector3(i & 1 ? x1 : x0, i & 2 ? y1 : y0, i & 4 ? z1 : z0));
  const points: Vector3[] = [];
  for (const [start, end] of EDGES) {
    const [a, b] = [corners[start] as Vector3, corners[end] as Vector3];
    const [da, db] = [a.dot(normal) - offset, b.dot(normal) - offset];
    if (da * db < 0) points.push(a.clone().lerp(b, da / (da - db)));
  }
  if (points.length < 3) return [];
  const middle = points.reduce((sum, p) => sum.add(p), new Vector3()).divideScalar(points.length);
  const u = points[0].clone().sub(middle).normalize();
  const v = normal.clone().cross(u);
  const angle = (p: Vector3): number => Math.atan2(p.clone().sub(middle).dot(v), p.clone().sub(middle).dot(u));
  return points.sort((p, q) => angle(p) - angle(q));
}
