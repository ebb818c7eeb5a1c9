/** Walking through the city, with walls that stop. */
import type { CameraState } from "../../engine/api";
import type { CityApp } from "../app";
import { type Tool, toolCard } from "./card";

const STEP_M = 0.8;
const RUN_M = 3;
const TURN_DEG = 6;

export class WalkTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  walking = false;
  private before: CameraState | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.element = toolCard(app, "walk", "walk.title", () => this.end(), dom.h("p", { class: "hint", text: "walk.hint" }), dom.h("p", { class: "hint", text: "walk.keys" }));
  }

  toggle(): void {
    if (this.open) return this.end();
    this.open = true;
    this.before = this.app.engine?.camera() ?? null;
    this.app.shell.tools.measure.ask("point", ({ points }) => {
      const [point] = points;
      if (!point) return;
      this.walking = true;
      this.app.engine?.walkFrom(point);
    });
    this.app.fire("tools", null);
  }

  /** Arrow keys while walking; says whether it took the key. */
  arrow(right: number, up: number, shift: boolean): boolean {
    if (!this.walking) return false;
    const { engine } = this.app;
    if (up !== 0) engine?.walk(0, up * (shift ? RUN_M : STEP_M));
    else if (shift) engine?.walk(right * STEP_M, 0);
    else engine?.lookAround(right * TURN_DEG, 0);
    return true;
  }

  press(key: string): boolean {
    const tilt: Record<string, number> = { PageUp: TURN_DEG, PageDown: -TURN_DEG };
    if (!this.walking || tilt[key] === undefined) return false;
    this.app.engine?.lookAround(0, tilt[key]);
    return true;
  }

  escape(): boolean {
    if (!this.open) return false;
    this.end();
    return true;
  }

  reset(): void {
    this.open = this.walking = false;
  }

  private end(): void {
    const { engine } = this.app;
    if (!this.walking) this.app.shell.tools.measure.stop();
    engine?.endWalk();
    if (this.walking && this.before) engine?.setCamera(this.before, 1);
    this.open = this.walking = false;
    this.app.fire("tools", null);
  }
}
