/** The selected objects, and what is done with them: isolate, hide, look through, fly to. */
import type { Box6 } from "../engine/api";
import type { CityApp } from "./app";

/** Objects whose boxes are asked for to fly to a selection. */
const MOST_BOXES = 2000;

export type Change = "replace" | "add" | "remove";

export class Selection {
  isolated = false;
  ghosts = false;
  someHidden = false;
  private chosen = new Set<number>();

  constructor(private readonly app: CityApp) {}

  get size(): number {
    return this.chosen.size;
  }

  get handles(): number[] {
    return [...this.chosen];
  }

  /** The selected object where it is the only one. */
  get only(): number | null {
    return this.chosen.size === 1 ? (this.chosen.values().next().value as number) : null;
  }

  set(handles: Iterable<number>): void {
    this.chosen = new Set(handles);
    this.tell();
  }

  change(handles: Iterable<number>, how: Change): void {
    const next = how === "replace" ? new Set<number>() : new Set(this.chosen);
    for (const handle of handles) {
      if (how === "remove") next.delete(handle);
      else next.add(handle);
    }
    this.set(next);
  }

  toggle(handle: number): void {
    this.change([handle], this.chosen.has(handle) ? "remove" : "add");
  }

  clear(): void {
    this.set([]);
  }

  /** Only the selection stays solid; the rest turns into ghosts. */
  isolate(on: boolean): void {
    this.isolated = on && this.size > 0;
    for (const engine of this.app.engines) engine.isolate(this.isolated ? this.chosen : []);
    this.app.fire("tools", null);
  }

  /** The selection turns into ghosts, so that what is inside and behind can be seen and picked. */
  ghost(on: boolean): void {
    this.ghosts = on && this.size > 0;
    for (const engine of this.app.engines) engine.ghost(this.ghosts ? this.chosen : []);
    this.app.fire("tools", null);
  }

  hide(): void {
    if (this.size === 0) return;
    for (const engine of this.app.engines) engine.hide(this.chosen, true);
    this.someHidden = true;
    this.clear();
  }

  showAll(): void {
    this.someHidden = this.isolated = this.ghosts = false;
    for (const engine of this.app.engines) {
      engine.showAll();
      this.app.variants.again(engine);
    }
    this.app.drafts.again();
    this.app.fire("tools", null);
  }

  async fly(): Promise<void> {
    if (this.size > 0) await this.flyTo(this.handles);
  }

  async flyTo(handles: number[]): Promise<void> {
    const step = Math.max(1, Math.ceil(handles.length / MOST_BOXES));
    const some = handles.filter((_, i) => i % step === 0);
    const box = await this.app.ask<Box6 | null>("bounds", { handles: some });
    if (box) this.app.engine?.flyTo(box, 1.2);
  }

  /** Forget it all, for another scene has come. */
  reset(): void {
    this.chosen = new Set();
    this.isolated = this.ghosts = this.someHidden = false;
  }

  private tell(): void {
    const { app } = this;
    for (const engine of app.engines) engine.select(this.chosen);
    if (this.only === null) app.changed({ selection: null });
    app.fire("selection", this.only);
    app.fire("set", this.handles);
    if (this.isolated) this.isolate(true);
    if (this.ghosts) this.ghost(true);
    app.fire("tools", null);
  }
}
