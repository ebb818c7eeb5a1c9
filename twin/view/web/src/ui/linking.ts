/** Two cameras that move as one. */
import type { CameraState, CityEngine } from "../engine/api";

const SAME_M = 1e-3;

/** Moves each view with the other until the returned function is called. */
export function linkCameras(one: CityEngine, other: CityEngine): () => void {
  const told = new Map<CityEngine, CameraState>();
  const follow = (from: CityEngine, to: CityEngine): (() => void) => {
    told.set(from, from.camera());
    return from.on("camera", (camera) => {
      // A view speaks of each frame that it draws, so also of the move that it was just given: that is no move.
      if (same(camera, told.get(from))) return;
      told.set(from, camera);
      to.setCamera(camera, 0);
      told.set(to, to.camera());
    });
  };
  other.setCamera(one.camera(), 0);
  const ends = [follow(one, other), follow(other, one)];
  return () => ends.forEach((end) => end());
}

function same(a: CameraState, b: CameraState | undefined): boolean {
  if (!b) return false;
  const near = (p: number, q: number | undefined): boolean => Math.abs(p - (q ?? Number.NaN)) < SAME_M;
  return a.position.every((p, i) => near(p, b.position[i])) && a.target.every((p, i) => near(p, b.target[i]));
}
