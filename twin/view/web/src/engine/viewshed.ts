/** What an observer sees of the surfaces around: distances in all directions, compared with those of a grid of cells. */

import { BufferGeometry, Color, Float32BufferAttribute, Mesh, PerspectiveCamera, Vector2, Vector3 } from "three";
import type { Probe, Samples } from "./probe";
import type { Relief } from "./relief";
import type { Viewshed } from "./tool_api";

const SIDE = 240;
/** Pixels along each side of a face of the cube of distances. */
const FACE = 1024;
const NEAR_M = 0.2;
/** What is nearer to the surface than this, or this share of its distance, is the surface. */
const SAME_M = 0.3;
const SAME_SHARE = 4e-3;
/** Height of the coloured cells above what they lie on. */
const LIFT_M = 0.35;
const SEEN = new Color("#1f9d55");
const HIDDEN = new Color("#d0342c");

export interface ViewshedResult {
  viewshed: Viewshed;
  mesh: Mesh;
}

/** Four sides and the ground; nobody builds above the observer. */
const FACES: { ahead: Vector3; up: Vector3 }[] = [
  ...[[1, 0], [-1, 0], [0, 1], [0, -1]].map(([x, y]) => ({ ahead: new Vector3(x, y, 0), up: new Vector3(0, 0, 1) })),
  { ahead: new Vector3(0, 0, -1), up: new Vector3(0, 1, 0) },
  { ahead: new Vector3(0, 0, 1), up: new Vector3(0, 1, 0) },
];

interface Face {
  ahead: Vector3;
  right: Vector3;
  up: Vector3;
  samples: Samples;
}

/** Looks around from an eye. `only` hides what is not looked at; its answer puts that back. */
export function viewshed(probe: Probe, relief: Relief, only: () => () => void, eye: Vector3, radius_m: number): ViewshedResult {
  const frame = { middle: new Vector2(eye.x, eye.y), right: new Vector2(1, 0), width: 2 * radius_m, height: 2 * radius_m, columns: SIDE, rows: SIDE };
  const heights = relief.heights(frame);
  const restore = only();
  const faces = FACES.map((face) => look(probe, eye, face.ahead, face.up, radius_m));
  restore();
  const cells = new Uint8Array(SIDE * SIDE);
  const size = (2 * radius_m) / SIDE;
  const place = new Vector3();
  const counts = [0, 0, 0];
  for (let i = 0; i < cells.length; i++) {
    const height = heights[i] as number;
    place.set(((i % SIDE) + 0.5 - SIDE / 2) * size, (Math.floor(i / SIDE) + 0.5 - SIDE / 2) * size, height - eye.z);
    if (Number.isNaN(height) || Math.hypot(place.x, place.y) > radius_m) continue;
    cells[i] = sees(faces, place) ? 1 : 2;
    counts[cells[i] as number] = (counts[cells[i] as number] as number) + 1;
  }
  const [, seen, hidden] = counts as [number, number, number];
  const found: Viewshed = { eye: eye.toArray(), radius_m, area_m2: (seen + hidden) * size * size, seen_m2: seen * size * size, side: SIDE, cells };
  return { viewshed: found, mesh: draped(eye, size, heights, cells) };
}

function look(probe: Probe, eye: Vector3, ahead: Vector3, up: Vector3, radius_m: number): Face {
  const camera = new PerspectiveCamera(90, 1, NEAR_M, radius_m * 2 + 1000);
  camera.position.copy(eye);
  camera.up.copy(up);
  camera.lookAt(eye.clone().add(ahead));
  camera.updateMatrixWorld(true);
  return { ahead, right: ahead.clone().cross(up), up, samples: probe.look(camera, FACE, FACE) };
}

/** Whether nothing stands before a place (from the eye). The farthest of the pixels around counts, for surfaces that are seen aslant. */
function sees(faces: Face[], place: Vector3): boolean {
  const face = faces.reduce((best, each) => (place.dot(each.ahead) > place.dot(best.ahead) ? each : best));
  const depth = place.dot(face.ahead);
  const column = Math.floor(((place.dot(face.right) / depth + 1) / 2) * FACE);
  const row = Math.floor(((place.dot(face.up) / depth + 1) / 2) * FACE);
  let farthest = 0;
  for (let y = Math.max(0, row - 1); y <= Math.min(FACE - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(FACE - 1, column + 1); x++) {
      farthest = Math.max(farthest, face.samples.distances[y * FACE + x] || Infinity);
    }
  }
  const away = place.length();
  return away <= farthest + Math.max(SAME_M, away * SAME_SHARE);
}

/** A flat piece over each cell. */
function draped(eye: Vector3, size: number, heights: Float32Array, cells: Uint8Array): Mesh {
  const positions: number[] = [];
  const colours: number[] = [];
  cells.forEach((cell, i) => {
    if (cell === 0) return;
    const x = eye.x + ((i % SIDE) - SIDE / 2) * size;
    const y = eye.y + (Math.floor(i / SIDE) - SIDE / 2) * size;
    const z = (heights[i] as number) + LIFT_M;
    const colour = cell === 1 ? SEEN : HIDDEN;
    for (const [dx, dy] of [[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]] as const) {
      positions.push(x + dx * size, y + dy * size, z);
      colours.push(colour.r, colour.g, colour.b, 0.5);
    }
  });
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(positions, 3));
  geometry.setAttribute("color", new Float32BufferAttribute(colours, 4));
  return new Mesh(geometry);
}
