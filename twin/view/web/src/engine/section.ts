/** The section plane: which half of the city is cut away, and the frame that shows where. */

import { BufferGeometry, Float32BufferAttribute, LineBasicMaterial, LineLoop, Plane, Vector3 } from "three";
import type { Box6, SectionPlane } from "./api";

const RAD = Math.PI / 180;

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

/** Outline of the cut where it leaves the city's box. */
export class SectionFrame {
  readonly object: LineLoop<BufferGeometry, LineBasicMaterial>;

  constructor() {
    const material = new LineBasicMaterial({ color: "#d95c46", transparent: true, opacity: 0.75, toneMapped: false });
    this.object = new LineLoop(new BufferGeometry(), material);
    this.object.visible = false;
    this.object.frustumCulled = false;
  }

  show(section: SectionPlane | null, bounds: Box6): void {
    this.object.visible = section !== null;
    if (!section) return;
    const points = outline(sectionNormal(section), section.offset, bounds);
    this.object.geometry.dispose();
    this.object.geometry = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(points.flatMap((p) => p.toArray()), 3));
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
  for (let i = 0; i < 8; i++) {
    for (const bit of [1, 2, 4]) {
      if (i & bit) continue;
      const [a, b] = [corners[i], corners[i | bit]];
      const [da, db] = [a.dot(normal) - offset, b.dot(normal) - offset];
      if (da * db < 0) points.push(a.clone().lerp(b, da / (da - db)));
    }
  }
  if (points.length < 3) return [];
  const middle = points.reduce((sum, p) => sum.add(p), new Vector3()).divideScalar(points.length);
  const u = points[0].clone().sub(middle).normalize();
  const v = normal.clone().cross(u);
  const angle = (p: Vector3): number => Math.atan2(p.clone().sub(middle).dot(v), p.clone().sub(middle).dot(u));
  return points.sort((p, q) => angle(p) - angle(q));
}
