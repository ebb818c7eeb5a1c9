/** Handles of a section box: faces that are pulled, the middle that is moved, and a corner that turns it. */

import type { HandleSpec, SectionBox, Vec3 } from "./api";

const RAD = Math.PI / 180;
/** Least half size of a box, metres. */
export const LEAST_HALF_M = 0.5;
const ROUND_DEG = 1;

const FACES: [name: string, axis: 0 | 1 | 2, side: 1 | -1][] = [
  ["east", 0, 1],
  ["west", 0, -1],
  ["north", 1, 1],
  ["south", 1, -1],
  ["top", 2, 1],
  ["bottom", 2, -1],
];

/** The box's own x, y, z: it is turned clockwise from above. */
function axesOf({ azimuth_deg }: SectionBox): [Vec3, Vec3, Vec3] {
  const [cos, sin] = [Math.cos(azimuth_deg * RAD), Math.sin(azimuth_deg * RAD)];
  return [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]];
}

const along = (from: Vec3, way: Vec3, by: number): Vec3 => [from[0] + way[0] * by, from[1] + way[1] * by, from[2] + way[2] * by];
const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const less = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** Where the handles of a box are; those of its faces stand `beside_m` outside of them. */
export function boxHandles(box: SectionBox, beside_m: number): HandleSpec[] {
  const axes = axesOf(box);
  const faces = FACES.map(([name, axis, side]): HandleSpec => {
    const way = axes[axis].map((value) => value * side) as Vec3;
    return { name, at: along(box.centre, way, box.half[axis] + beside_m), look: axis === 2 ? "up" : "face", along: way };
  });
  const corner = along(along(box.centre, axes[0], box.half[0] + beside_m), axes[1], -box.half[1] - beside_m);
  return [...faces, { name: "move", at: box.centre, look: "move" }, { name: "turn", at: corner, look: "turn" }];
}

/** A box whose handle was dragged from one place to another. */
export function draggedBox(box: SectionBox, name: string, from: Vec3, to: Vec3, free: boolean): SectionBox {
  const by = less(to, from);
  if (name === "move") return { ...box, centre: along(box.centre, by, 1) };
  if (name === "turn") return { ...box, azimuth_deg: turned(box, from, to, free) };
  const face = FACES.find(([known]) => known === name);
  if (!face) return box;
  const [, axis, side] = face;
  const way = axesOf(box)[axis].map((value) => value * side) as Vec3;
  const half = Math.max(LEAST_HALF_M, box.half[axis] + dot(by, way) / 2);
  return { ...box, centre: along(box.centre, way, half - box.half[axis]), half: box.half.map((each, i) => (i === axis ? half : each)) as Vec3 };
}

/** Clockwise degrees between -90 and 90: a box that is turned by half a circle is the same box. */
function turned({ centre, azimuth_deg }: SectionBox, from: Vec3, to: Vec3, free: boolean): number {
  const angle = (point: Vec3): number => Math.atan2(point[1] - centre[1], point[0] - centre[0]) / RAD;
  const azimuth = azimuth_deg - (angle(to) - angle(from));
  const rounded = free ? azimuth : Math.round(azimuth / ROUND_DEG) * ROUND_DEG;
  const within = ((rounded % 180) + 180) % 180;
  return within > 90 ? within - 180 : within;
}
