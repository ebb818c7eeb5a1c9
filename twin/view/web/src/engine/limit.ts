/** A body that nothing may leave: drawn as glass over a footprint, and what stands out of it. */

import { BufferGeometry, Color, Float32BufferAttribute, Mesh, ShapeUtils, Vector2, Vector3 } from "three";
import { around, inside, type Relief } from "./relief";
import type { HeightLimit } from "./tool_api";

const GLASS = new Color("#2f7be8");
const STRENGTH = 0.24;
/** Heights within this much of the limit keep it, metres. */
const PLAY_M = 0.05;

/** How far a place lies behind the first edge of a footprint, metres; 0 on it, and more into the footprint. */
function behind(corners: Vector3[]): (x: number, y: number) => number {
  const [a, b] = corners as [Vector3, Vector3];
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const normal = new Vector2(-(b.y - a.y) / length, (b.x - a.x) / length);
  // Whichever way the corners were clicked: the footprint lies behind its first edge.
  const middle = corners.reduce((sum, corner) => sum + (corner.x - a.x) * normal.x + (corner.y - a.y) * normal.y, 0);
  if (middle < 0) normal.negate();
  return (x, y) => (x - a.x) * normal.x + (y - a.y) * normal.y;
}

/** What is higher than a limit within a footprint, and by how much; the limit rises by `slope` away from the first edge. */
export function exceedances(relief: Relief, corners: Vector3[], top_m: number, slope = 0): HeightLimit {
  const depth = behind(corners);
  const frame = around(corners);
  const { heights, handles } = relief.look(frame, "all");
  const cell = (frame.width / frame.columns) * (frame.height / frame.rows);
  const shape = corners.map((corner) => new Vector2(corner.x, corner.y));
  const found = new Set<number>();
  let cells = 0;
  let most = 0;
  for (let row = 0; row < frame.rows; row++) {
    const y = frame.middle.y + ((row + 0.5) / frame.rows - 0.5) * frame.height;
    for (const [from, to] of inside(shape, y)) {
      const column = (x: number): number => ((x - frame.middle.x) / frame.width + 0.5) * frame.columns;
      for (let i = Math.max(0, Math.ceil(column(from) - 0.5)); i <= Math.min(frame.columns - 1, Math.floor(column(to) - 0.5)); i++) {
        const x = frame.middle.x + ((i + 0.5) / frame.columns - 0.5) * frame.width;
        const over = (heights[row * frame.columns + i] as number) - top_m - slope * depth(x, y);
        if (!(over > PLAY_M)) continue;
        cells += 1;
        most = Math.max(most, over);
        const handle = handles[row * frame.columns + i] as number;
        if (handle >= 0) found.add(handle);
      }
    }
  }
  return { top_m, handles: Uint32Array.from(found).sort(), over_m2: cells * cell, most_m: most };
}

/** Sides and top of the body. */
export function glassBody(corners: Vector3[], base_m: number, top_m: number, slope = 0): Mesh {
  const depth = behind(corners);
  const top = (corner: Vector3): number => Math.max(base_m, top_m + slope * depth(corner.x, corner.y));
  const faces = ShapeUtils.triangulateShape(corners.map((corner) => new Vector2(corner.x, corner.y)), []);
  const at = (corner: Vector3, z: number): number[] => [corner.x, corner.y, z];
  const roof = faces.flatMap((face) => face.flatMap((i) => at(corners[i] as Vector3, top(corners[i] as Vector3))));
  const walls = corners.flatMap((a, i) => {
    const b = corners[(i + 1) % corners.length] as Vector3;
    return [at(a, base_m), at(b, base_m), at(b, top(b)), at(a, base_m), at(b, top(b)), at(a, top(a))].flat();
  });
  const positions = [...roof, ...walls];
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(positions, 3));
  geometry.setAttribute("color", new Float32BufferAttribute(positions.flatMap((_, i) => (i % 3 ? [] : [GLASS.r, GLASS.g, GLASS.b, STRENGTH])), 4));
  return new Mesh(geometry);
}
