/** What stands before points of the city where one looks at it, found in one small picture of distances. */

import { type Matrix4, type PerspectiveCamera, Vector3, type WebGLRenderer } from "three";
import { type Probe, probeTarget } from "./probe";

/** Pixels across the picture. */
const COLUMNS = 240;
/** A surface within this share of a point's distance, and these metres, does not stand before it. */
const SAME_SHARE = 0.02;
const SAME_M = 1;

interface Look {
  eye: Vector3;
  matrix: Matrix4;
  rows: number;
  /** Metres from the eye, row by row from below; 0 = nothing. */
  distances: Float32Array;
}

/** For each point (x, y, z after each other), the metres in plan to what hides it; 0 = it is seen, or is not in the picture. */
export async function covering(probe: Probe, renderer: WebGLRenderer, camera: PerspectiveCamera, hide: () => () => void, points: Float32Array): Promise<Float32Array> {
  await probe.ready(camera);
  const rows = Math.max(1, Math.round(COLUMNS / camera.aspect));
  const target = probeTarget(COLUMNS, rows);
  const restore = hide();
  probe.draw(camera, target);
  restore();
  const matrix = camera.projectionMatrix.clone().multiply(camera.matrixWorldInverse);
  const eye = new Vector3().setFromMatrixPosition(camera.matrixWorld);
  const bytes = new Uint8Array(COLUMNS * rows * 4);
  await renderer.readRenderTargetPixelsAsync(target, 0, 0, COLUMNS, rows, bytes, undefined, 1).finally(() => target.dispose());
  const look: Look = { eye, matrix, rows, distances: new Float32Array(bytes.buffer) };
  const point = new Vector3();
  return Float32Array.from({ length: points.length / 3 }, (_, i) => gap(look, point.fromArray(points, i * 3)));
}

/** Of the pixels around a point the one that lets see farthest counts: what is nearly free is seen. */
function gap({ eye, matrix, rows, distances }: Look, point: Vector3): number {
  const away = point.distanceTo(eye);
  const { x, y, z } = point.clone().applyMatrix4(matrix);
  if (!(Math.abs(x) < 1 && Math.abs(y) < 1 && z < 1)) return 0;
  const column = Math.floor(((x + 1) / 2) * COLUMNS);
  const row = Math.floor(((y + 1) / 2) * rows);
  let farthest = 0;
  for (let r = Math.max(0, row - 1); r <= Math.min(rows - 1, row + 1); r++) {
    for (let c = Math.max(0, column - 1); c <= Math.min(COLUMNS - 1, column + 1); c++) {
      farthest = Math.max(farthest, distances[r * COLUMNS + c] || Infinity);
    }
  }
  if (farthest >= away - Math.max(SAME_M, away * SAME_SHARE)) return 0;
  return Math.hypot(point.x - eye.x, point.y - eye.y) * (1 - farthest / away);
}
