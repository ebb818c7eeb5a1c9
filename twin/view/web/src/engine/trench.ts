/** A trench dug into the ground along a line: what covers the ground is open there, and its sides and floor are drawn. */

import { BufferGeometry, Color, Float32BufferAttribute, Mesh, Plane, type Ray, Vector3 } from "three";
import type { Relief } from "./relief";
import type { Trench } from "./tool_api";

const SOIL = new Color("#a58767");
const DEEP = new Color("#6d5642");
/** Samples of the ground along a side. */
const STEPS = 48;

/** Unit vectors along and across a trench (to the right of its line), and its length. */
function axes({ from, to }: Trench): { along: Vector3; right: Vector3; length: number } {
  const along = new Vector3(to[0] - from[0], to[1] - from[1], 0);
  const length = Math.max(along.length(), 1e-3);
  along.divideScalar(length);
  return { along, right: new Vector3(along.y, -along.x, 0), length };
}

/** Four upright planes; a place in the trench lies on the negative side of all of them. */
export function trenchPlanes(trench: Trench): Plane[] {
  const { along, right, length } = axes(trench);
  const start = new Vector3(trench.from[0], trench.from[1], 0);
  const half = trench.width_m / 2;
  return [
    new Plane(right.clone(), -right.dot(start) - half),
    new Plane(right.clone().negate(), right.dot(start) - half),
    new Plane(along.clone(), -along.dot(start) - length),
    new Plane(along.clone().negate(), along.dot(start)),
  ];
}

/** The upper edges of its two sides, on the ground as it is. */
export function trenchRims(trench: Trench, relief: Relief): [Vector3[], Vector3[]] {
  const { along, right, length } = axes(trench);
  const start = new Vector3(trench.from[0], trench.from[1], 0);
  const place = (s: number, side: number): Vector3 => start.clone().addScaledVector(along, s * length).addScaledVector(right, side * (trench.width_m / 2));
  return [-1, 1].map((side) => {
    const { ground } = relief.profile([place(0, side), place(1, side)]);
    return Array.from({ length: STEPS + 1 }, (_, i) => place(i / STEPS, side).setZ(ground[Math.round((i / STEPS) * (ground.length - 1))] as number));
  }) as [Vector3[], Vector3[]];
}

/** Sides, ends and floor; the floor lies `depth_m` below the lower of the two edges. */
export function trenchBody(trench: Trench, [left, opposite]: [Vector3[], Vector3[]]): Mesh {
  const floor = left.map((point, i) => Math.min(point.z, (opposite[i] as Vector3).z) - trench.depth_m);
  const positions: number[] = [];
  const colours: number[] = [];
  const corner = (point: Vector3, z: number, colour: Color): void => {
    positions.push(point.x, point.y, z);
    colours.push(colour.r, colour.g, colour.b);
  };
  const wall = (a: Vector3, b: Vector3, za: number, zb: number): void => {
    for (const [point, z, colour] of [[a, a.z, SOIL], [b, b.z, SOIL], [b, zb, DEEP], [a, a.z, SOIL], [b, zb, DEEP], [a, za, DEEP]] as const) corner(point, z, colour);
  };
  for (let i = 0; i < STEPS; i++) {
    const [l0, l1, r0, r1] = [left[i], left[i + 1], opposite[i], opposite[i + 1]] as [Vector3, Vector3, Vector3, Vector3];
    const [f0, f1] = [floor[i] as number, floor[i + 1] as number];
    wall(l0, l1, f0, f1);
    wall(r0, r1, f0, f1);
    for (const [point, z] of [[l0, f0], [l1, f1], [r1, f1], [l0, f0], [r1, f1], [r0, f0]] as const) corner(point, z, DEEP);
  }
  for (const i of [0, STEPS]) wall(left[i] as Vector3, opposite[i] as Vector3, floor[i] as number, floor[i] as number);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(positions, 3));
  geometry.setAttribute("color", new Float32BufferAttribute(colours, 3));
  return new Mesh(geometry);
}

/** A trench that one looks into: which places lie in it, and where its sides and its floor end the look. */
export class OpenTrench {
  private readonly planes: Plane[];
  private readonly corners: Float32Array;

  constructor(
    trench: Trench,
    body: Mesh,
    /** Lets picks through what covers the ground, or not. */
    readonly through: (on: boolean) => void,
  ) {
    this.planes = trenchPlanes(trench);
    this.corners = body.geometry.getAttribute("position").array as Float32Array;
  }

  /** Whether a place lies within its four sides, at any height. */
  holds(point: Vector3): boolean {
    return this.planes.every((plane) => plane.distanceToPoint(point) <= 0);
  }

  /** Where a ray meets its sides or its floor, not nearer than so many metres; null = nowhere. */
  meets(ray: Ray, from_m: number): Vector3 | null {
    const [a, b, c] = [new Vector3(), new Vector3(), new Vector3()];
    let found: Vector3 | null = null;
    for (let at = 0; at < this.corners.length; at += 9) {
      const hit = ray.intersectTriangle(a.fromArray(this.corners, at), b.fromArray(this.corners, at + 3), c.fromArray(this.corners, at + 6), false, new Vector3());
      const away = hit?.distanceTo(ray.origin) ?? Infinity;
      if (hit && away >= from_m && (!found || away < found.distanceTo(ray.origin))) found = hit;
    }
    return found;
  }
}
