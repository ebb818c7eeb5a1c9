/** Cameras that move as one. */
import type { CameraState, CityEngine } from "../engine/api";

const SAME_M = 1e-3;

/** Moves every view with each of the others until the returned function is called; the first view leads at the start. */
export function linkCameras(engines: readonly CityEngine[]): () => void {
  const told = new Map<CityEngine, CameraState>();
  const move = (to: CityEngine, camera: CameraState): void => {
    to.setCamera(camera, 0);
    told.set(to, to.camera());
    // A view that had its turn in this frame would show the move in the next one.
    to.drawNow();
  };
  const follow = (from: CityEngine): (() => void) =>
    from.on("camera", (camera) => {
      // A view speaks of each frame that it draws, so also of the move that it was just given: that is no move.
      if (same(camera, told.get(from))) return;
      told.set(from, camera);
      for (const other of engines) if (other !== from) move(other, camera);
    });
  const [first, ...others] = engines;
  if (!first) return () => undefined;
  told.set(first, first.camera());
  for (const other of others) move(other, first.camera());
  const ends = engines.map(follow);
  return () => ends.forEach((end) => end());
}

function same(a: CameraState, b: CameraState | undefined): boolean {
  if (!b) return false;
  const near = (p: number, q: number | undefined): boolean => Math.abs(p - (q ?? Number.NaN)) < SAME_M;
  return a.position.every((p, i) => near(p, b.position[i])) && a.target.every((p, i) => near(p, b.target[i]));
}
