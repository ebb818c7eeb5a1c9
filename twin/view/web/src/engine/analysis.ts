/** What the graphics card finds out about the city: objects within a shape, volumes, profiles, sights and viewsheds. */

import { PerspectiveCamera, Vector2, Vector3 } from "three";
import { inside, Relief, type ReliefHost } from "./relief";
import type { Samples } from "./probe";
import type { Measurement, Sight, Skyline } from "./tool_api";
import { skyline } from "./skyline";
import { viewshed, type ViewshedResult } from "./viewshed";

/** Height of eyes above what they stand on, metres. */
export const EYE_M = 1.6;
/** A thing within this share of a distance, and these metres, of the target is the target. */
const SAME_SHARE = 2e-3;
const SAME_M = 0.15;

export class Analysis {
  readonly relief: Relief;

  constructor(private readonly host: ReliefHost) {
    this.relief = new Relief(host);
  }

  /** Handles, ascending, of what can be seen within a closed shape of the picture (CSS pixels from its upper left). */
  within(shape: [number, number][], camera: PerspectiveCamera, size: { width: number; height: number }): Uint32Array {
    const xs = shape.map(([x]) => x);
    const ys = shape.map(([, y]) => y);
    const x0 = Math.max(0, Math.floor(Math.min(...xs)));
    const y0 = Math.max(0, Math.floor(Math.min(...ys)));
    const columns = Math.min(size.width, Math.ceil(Math.max(...xs))) - x0;
    const rows = Math.min(size.height, Math.ceil(Math.max(...ys))) - y0;
    if (columns < 1 || rows < 1) return new Uint32Array();
    camera.setViewOffset(size.width, size.height, x0, y0, columns, rows);
    const restore = this.host.only("all");
    const samples = this.host.probe.look(camera, columns, rows);
    restore();
    camera.clearViewOffset();
    return handlesIn(samples, shape.map(([x, y]) => new Vector2(x - x0, rows - (y - y0))));
  }

  /** Adds to a finished measurement what its points do not tell. */
  complete(measurement: Measurement, points: Vector3[]): void {
    if (measurement.kind === "volume") {
      const base = measurement.volume?.base_m ?? Math.min(...points.map((p) => p.z));
      measurement.volume = this.relief.volume(points, base);
      measurement.value = measurement.volume.above_m3;
    } else if (measurement.kind === "profile") measurement.profile = this.relief.profile(points);
    else if (measurement.kind === "sight") {
      const eye = (points[0] as Vector3).clone().setZ((points[0] as Vector3).z + EYE_M);
      const target = points[1] as Vector3;
      measurement.points = [eye.toArray(), target.toArray()];
      measurement.sight = this.sight(eye, target);
      const seen = measurement.sight.blocked ? new Vector3(...measurement.sight.blocked) : target;
      measurement.value = seen.distanceTo(eye);
      measurement.horizontal = Math.hypot(target.x - eye.x, target.y - eye.y);
      measurement.vertical = target.z - eye.z;
    }
  }

  /** What someone who stands at a point sees around. */
  viewshed(point: Vector3, radius_m: number): ViewshedResult {
    return viewshed(this.host.probe, this.relief, () => this.host.only("all"), point.clone().setZ(point.z + EYE_M), radius_m);
  }

  /** The skyline around an eye; degrees clockwise from the y axis. */
  skyline(eye: Vector3, start_deg: number, span_deg: number): Skyline {
    return skyline(this.host.probe, () => this.host.only("all"), eye, start_deg, span_deg);
  }

  /** Whether a target can be seen from an eye; `same_m` = what is so near to the target is the target. */
  sight(eye: Vector3, target: Vector3, same_m = SAME_M): Sight {
    const away = target.distanceTo(eye);
    const camera = new PerspectiveCamera(0.2, 1, Math.min(0.02, away / 10), away * 1.5 + 100);
    camera.position.copy(eye);
    camera.up.set(0, 0, 1);
    const along = target.clone().sub(eye).normalize();
    if (Math.abs(along.z) > 0.999) camera.up.set(0, 1, 0);
    camera.lookAt(target);
    camera.updateMatrixWorld(true);
    const restore = this.host.only("all");
    const { distances, handles } = this.host.probe.look(camera, 3, 3);
    restore();
    const distance = distances[4] as number;
    const clear = distance === 0 || distance >= away - (same_m && Math.max(same_m, away * SAME_SHARE));
    return { clear, blocked: clear ? null : eye.clone().addScaledVector(along, distance).toArray(), handle: clear ? -1 : (handles[4] as number) };
  }
}

/** The handles of the samples within a shape (columns from the left, rows from below). */
function handlesIn({ columns, rows, handles }: Samples, shape: Vector2[]): Uint32Array {
  const found = new Set<number>();
  for (let row = 0; row < rows; row++) {
    for (const [from, to] of inside(shape, row + 0.5)) {
      const last = Math.min(columns - 1, Math.floor(to - 0.5));
      for (let column = Math.max(0, Math.ceil(from - 0.5)); column <= last; column++) {
        const handle = handles[row * columns + column] as number;
        if (handle >= 0) found.add(handle);
      }
    }
  }
  return Uint32Array.from(found).sort();
}
