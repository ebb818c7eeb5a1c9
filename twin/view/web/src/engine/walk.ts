/** Walking: eyes at the height of a person, feet on whatever is below, and walls that stop both. */

import { Vector3 } from "three";
import { type Analysis, EYE_M } from "./analysis";
import type { CityCamera } from "./camera";

/** Room between a person's middle and a wall, and how high a step may be, metres. */
const ROOM_M = 0.4;
const STEP_M = 0.5;
/** Heights of the body at which walls are felt. */
const FELT_M = [0.7, 1.5];
/** How far below the feet a floor is looked for. */
const DEEP_M = 60;
/** Turns by which one slides along a wall, degrees. */
const SLIDES_DEG = [0, 40, -40];
const UP = new Vector3(0, 0, 1);
const RAD = Math.PI / 180;

export class Walker {
  private readonly foot = new Vector3();

  constructor(
    private readonly view: CityCamera,
    private readonly analysis: Analysis,
    /** Level of the ground where there is nothing. */
    private readonly level: () => number,
  ) {}

  /** Stand at a point of a surface and look ahead. */
  start(point: Vector3): void {
    this.foot.copy(point);
    this.view.walking = true;
    this.view.stand(this.eye(), 0);
  }

  end(): void {
    this.view.walking = false;
  }

  /** Go some metres; what stands in the way is slid along or stops it. False = not a bit. */
  go(right_m: number, forward_m: number): boolean {
    const ahead = this.view.forward().setZ(0).normalize();
    const wish = this.view.right().multiplyScalar(right_m).addScaledVector(ahead, forward_m);
    for (const turn of SLIDES_DEG) {
      const step = wish.clone().applyAxisAngle(UP, turn * RAD).multiplyScalar(Math.cos(turn * RAD));
      if (!this.free(step)) continue;
      const next = this.foot.clone().add(step);
      const floor = this.floor(next);
      if (floor > this.foot.z + STEP_M) continue;
      this.foot.copy(next.setZ(floor));
      this.view.stand(this.eye(), null);
      return true;
    }
    return false;
  }

  look(turn_deg: number, tilt_deg: number): void {
    this.view.lookAround(turn_deg, tilt_deg);
  }

  private eye(): Vector3 {
    return this.foot.clone().setZ(this.foot.z + EYE_M);
  }

  private free(step: Vector3): boolean {
    const reach = step.clone().setLength(step.length() + ROOM_M);
    return FELT_M.every((height) => {
      const from = this.foot.clone().setZ(this.foot.z + height);
      return this.analysis.sight(from, from.clone().add(reach), 0).clear;
    });
  }

  /** Height of the first surface below the eyes. */
  private floor(at: Vector3): number {
    const eye = at.clone().setZ(this.foot.z + EYE_M);
    const { blocked } = this.analysis.sight(eye, eye.clone().setZ(eye.z - DEEP_M), 0);
    return blocked ? blocked[2] : this.level();
  }
}
