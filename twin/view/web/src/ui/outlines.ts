/** Footprints around a place, asked when the place moves away: what one snaps to. */
import { distance, type Point } from "../engine/footprint";
import type { CityApp } from "./app";

/** Half of the square that is asked for, and how far the middle may move before it is asked again, metres. */
const HALF_M = 300;
const MOVED_M = 120;

export class Outlines {
  rings: Point[][] = [];
  private middle: Point | null = null;
  private scenario: string | null = null;

  constructor(private readonly app: CityApp) {
    app.on("scenarios", () => this.clear());
  }

  /** Asks for what is around a place, unless it is known. */
  around(middle: Point): void {
    const { app } = this;
    if (app.backend.alone) return;
    if (this.middle && this.scenario === app.state.scenario && distance(this.middle, middle) < MOVED_M) return;
    this.middle = middle;
    this.scenario = app.state.scenario;
    const box = [middle[0] - HALF_M, middle[1] - HALF_M, middle[0] + HALF_M, middle[1] + HALF_M];
    app
      .ask<{ ring: Point[] }[]>("footprints", { box, scenario: this.scenario })
      .then((found) => {
        if (this.middle === middle) this.rings = found.map((each) => each.ring);
      })
      .catch((error: unknown) => app.report(error));
  }

  clear(): void {
    this.rings = [];
    this.middle = null;
  }
}
