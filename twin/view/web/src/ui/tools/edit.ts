/** Editing a building, drawn or picked: moving, turning, scaling and raising it by handles, numbers and keys. */
import type { HandleSet, HandleSpec, Vec3 } from "../../engine/api";
import { distance, type Point } from "../../engine/footprint";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import { type Draft, isChanged, type Placement, placedRings, reachOf, standing, stretchOf, unplaced } from "../draft_model";
import { KeepBox } from "../keepbox";
import { Outlines } from "../outlines";
import { numberField, type Tool, toolCard } from "./card";
import { historyRow } from "./history";

type Field = keyof Placement;

const OWNER = "edit";
/** Pixels between a thing and the handles beside it, and within which its corners snap to others. */
const BESIDE_PX = 34;
const NEAR_PX = 10;
/** Metres of an arrow key and with Shift; degrees of a bracket. */
const STEP_M = 1;
const FINE_M = 0.1;
const TURN_DEG = 5;
const LEAST_M = 0.5;
const MOST_FACTOR = 100;
const RAD = Math.PI / 180;

const FIELDS: [Field, Key, string, Record<string, number>][] = [
  ["dx_m", "edit.dx", "m", {}],
  ["dy_m", "edit.dy", "m", {}],
  ["dz_m", "edit.dz", "m", {}],
  ["turn_deg", "edit.turn", "°", {}],
  ["factor", "edit.factor", "×", { min: 1 / MOST_FACTOR, max: MOST_FACTOR }],
  ["height_m", "edit.height", "m", { min: LEAST_M }],
];

export class EditTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly outlines: Outlines;
  private readonly hint: HTMLElement;
  private readonly form: HTMLElement;
  private readonly name: HTMLInputElement;
  private readonly inputs = new Map<Field, HTMLInputElement>();
  /** What fields show of a draft; one that shows something else is being typed in, and is not written over. */
  private readonly written = new Map<HTMLInputElement, string>();
  private listening = false;
  /** What a drag began from, and whether it is a step by now. */
  private held: { placement: Placement; rings: Point[][]; stepped: boolean } | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.outlines = new Outlines(app);
    this.hint = dom.h("p", { class: "hint", attributes: { role: "status" } });
    this.name = dom.h("input", { label: "edit.name", attributes: { type: "text", maxlength: 120 } });
    this.name.removeAttribute("title");
    this.name.addEventListener("change", () => this.current && app.drafts.update(this.current.key, { name: this.name.value.trim() }));
    const fields = FIELDS.map(([field, label, unit, limits]) => {
      const element = numberField(app, label, 0, unit, (value) => this.typed(field, value), limits);
      this.inputs.set(field, element.querySelector("input") as HTMLInputElement);
      return element;
    });
    const buttons = dom.h(
      "div",
      { class: "row wrap" },
      dom.button("edit.duplicate", () => this.current && app.drafts.duplicate(this.current), "button quiet small", "copy"),
      dom.button("edit.remove", () => this.remove(), "button quiet small", "trash"),
      dom.button("edit.reset", () => this.back(), "button quiet small"),
    );
    this.form = dom.h("div", { class: "tool-body edit-form" }, dom.h("label", { class: "field" }, dom.h("span", { text: "edit.name" }), this.name), dom.h("div", { class: "edit-numbers" }, ...fields), buttons);
    const keys = dom.h("p", { class: "hint", text: "edit.keys" });
    this.element = toolCard(app, "edit", "edit.title", () => this.stop(), dom.h("div", { class: "tool-body" }, this.hint, this.form, historyRow(app)), new KeepBox(app).element, keys);
    app.drafts.onChange(() => this.show());
    app.on("selection", (handle) => this.open && handle !== null && void this.take(handle).catch((error: unknown) => app.report(error)));
    app.i18n.onChange(() => this.show());
  }

  private get current(): Draft | null {
    return this.app.drafts.current;
  }

  toggle(): void {
    if (this.open) this.stop();
    else this.start();
  }

  start(): void {
    const { app } = this;
    if (!app.engine) return;
    app.shell.tools.draw.stop();
    app.shell.tools.measure.escape();
    this.listen();
    this.open = true;
    app.fire("tools", null);
    this.show();
    if (app.selected !== null) void this.take(app.selected).catch((error: unknown) => app.report(error));
  }

  /** Opens it for a draft. */
  openOn(key: string): void {
    this.start();
    this.app.drafts.choose(key);
    this.show();
  }

  stop(): void {
    if (!this.open) return;
    this.open = false;
    this.app.drafts.choose(null);
    this.app.engine?.drafting.setHandles(OWNER, null);
    this.app.fire("tools", null);
  }

  escape(): boolean {
    if (!this.open) return false;
    this.stop();
    return true;
  }

  reset(): void {
    this.stop();
    this.outlines.clear();
  }

  press(key: string): boolean {
    const { current } = this;
    if (!this.open || !current) return false;
    const { placement } = current;
    const acts: Record<string, () => void> = {
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      PageUp: () => this.put("dz_m", placement.dz_m + STEP_M),
      PageDown: () => this.put("dz_m", placement.dz_m - STEP_M),
      "[": () => this.put("turn_deg", placement.turn_deg + TURN_DEG),
      "]": () => this.put("turn_deg", placement.turn_deg - TURN_DEG),
    };
    acts[key]?.();
    return key in acts;
  }

  /** Moves it towards the side of the view that is nearest to an axis of the map. */
  arrow(right: number, up: number, fine: boolean): boolean {
    const { current, app } = this;
    if (!this.open || !current || !app.engine) return false;
    const { position, target } = app.engine.camera();
    const heading = Math.atan2(target[0] - position[0], target[1] - position[1]);
    const quarter = (Math.round(heading / (Math.PI / 2)) * Math.PI) / 2;
    const step = fine ? FINE_M : STEP_M;
    const east = Math.round(right * Math.cos(quarter) + up * Math.sin(quarter)) * step;
    const north = Math.round(up * Math.cos(quarter) - right * Math.sin(quarter)) * step;
    const { dx_m, dy_m } = current.placement;
    app.drafts.place(current.key, { dx_m: tidy(dx_m + east), dy_m: tidy(dy_m + north) });
    return true;
  }

  private listen(): void {
    const { app } = this;
    if (this.listening || !app.engine) return;
    this.listening = true;
    app.engine.on("camera", () => this.open && this.showHandles());
  }

  private async take(handle: number): Promise<void> {
    const { app } = this;
    if (app.backend.alone) return app.notices.show(app.i18n.t("edit.alone"), "info");
    const draft = await app.drafts.take(handle);
    if (!this.open) return;
    app.drafts.choose(draft.key);
    this.show();
  }

  /** A number is typed to its end: its field shows what came of it. */
  private typed(field: Field, value: number): void {
    const input = this.inputs.get(field);
    if (input) this.written.set(input, input.value);
    this.put(field, value);
  }

  private put(field: Field, value: number): void {
    const { current } = this;
    if (!current) return;
    const limited = field === "height_m" ? Math.max(leastHeight(current), value) : field === "factor" ? Math.min(MOST_FACTOR, Math.max(1 / MOST_FACTOR, value)) : value;
    this.app.drafts.place(current.key, { [field]: limited });
  }

  private remove(): void {
    if (this.current) this.app.drafts.remove(this.current.key);
  }

  private back(): void {
    const { current } = this;
    if (current && isChanged(current)) this.app.drafts.update(current.key, { placement: unplaced(current.first_height_m), name: current.first_name });
  }

  // handles -------------------------------------------------------------------------------------

  private showHandles(): void {
    const drafting = this.app.engine?.drafting;
    if (!drafting) return;
    drafting.setHandles(OWNER, this.open && this.current ? this.handlesOf(this.current) : null);
  }

  private handlesOf(draft: Draft): HandleSet {
    const [x, y, z] = standing(draft);
    const beside = BESIDE_PX * (this.app.engine?.drafting.metresPerPixel([x, y, z]) ?? 0.1);
    const away = reachOf(draft) + beside;
    const top = z + draft.tall_m * stretchOf(draft);
    const side = (degrees: number): Vec3 => [Math.cos((draft.placement.turn_deg + degrees) * RAD), Math.sin((draft.placement.turn_deg + degrees) * RAD), 0];
    const at = ([dx, dy]: Vec3): Vec3 => [x + dx * away, y + dy * away, z];
    const handles: HandleSpec[] = [
      { name: "move", at: [x, y, z], look: "move" },
      { name: "turn", at: at(side(0)), look: "turn" },
      { name: "scale", at: at(side(-90)), look: "scale", along: side(-90) },
      { name: "height", at: [x, y, top + beside], look: "up", along: [0, 0, 1] },
    ];
    return {
      handles,
      start: () => {
        const { current } = this;
        if (!current) return;
        this.held = { placement: current.placement, rings: placedRings(current), stepped: false };
        this.outlines.around([x, y]);
      },
      drag: (name, from, to, free) => this.drag(name, from, to, free),
      end: () => (this.held = null),
    };
  }

  private drag(name: string, from: Vec3, to: Vec3, free: boolean): void {
    const { current, held } = this;
    if (!current || !held) return;
    const patch = this.patchOf(name, current, held, from, to, free);
    this.app.drafts.place(current.key, patch, !held.stepped);
    held.stepped = true;
  }

  private patchOf(name: string, draft: Draft, held: { placement: Placement; rings: Point[][] }, from: Vec3, to: Vec3, free: boolean): Partial<Placement> {
    const before = held.placement;
    const pivot: Point = [draft.pivot[0] + before.dx_m, draft.pivot[1] + before.dy_m];
    const round = (value: number, step: number): number => (free ? Number(value.toFixed(3)) : tidy(Math.round(value / step) * step));
    if (name === "move") {
      const by: Point = [to[0] - from[0], to[1] - from[1]];
      const snap = free ? null : this.snapped(draft, held.rings, by, to);
      return snap ? { dx_m: before.dx_m + snap[0], dy_m: before.dy_m + snap[1] } : { dx_m: round(before.dx_m + by[0], 0.1), dy_m: round(before.dy_m + by[1], 0.1) };
    }
    if (name === "turn") {
      const angle = (point: Vec3): number => Math.atan2(point[1] - pivot[1], point[0] - pivot[0]) / RAD;
      return { turn_deg: around(round(before.turn_deg + angle(to) - angle(from), 1)) };
    }
    if (name === "scale") {
      const grown = distance(pivot, [to[0], to[1]]) / Math.max(0.1, distance(pivot, [from[0], from[1]]));
      return { factor: Math.min(MOST_FACTOR, Math.max(0.05, round(before.factor * grown, 0.01))) };
    }
    return { height_m: Math.max(leastHeight(draft), round(before.height_m + to[2] - from[2], 0.1)) };
  }

  /** The move that brings a corner onto a corner of something else; null = none is near. */
  private snapped(draft: Draft, rings: Point[][], by: Point, at: Vec3): Point | null {
    const near = NEAR_PX * (this.app.engine?.drafting.metresPerPixel(at) ?? 0);
    const own = draft.rings;
    const others = [...this.outlines.rings.filter((ring) => !own.some((each) => sameRing(each, ring))), ...this.app.drafts.outlines(draft.key)].flat();
    let found: Point | null = null;
    let least = near;
    for (const [x, y] of rings.flat()) {
      for (const other of others) {
        const away = distance([x + by[0], y + by[1]], other);
        if (away < least) [found, least] = [[other[0] - x, other[1] - y], away];
      }
    }
    return found;
  }

  private show(): void {
    const { app, current } = this;
    this.showHandles();
    if (!this.open) return;
    this.form.hidden = !current;
    this.hint.textContent = app.i18n.t(current ? "edit.hint" : "edit.pick");
    if (!current) return;
    const active = (this.element.getRootNode() as ShadowRoot).activeElement;
    if (active !== this.name) this.name.value = current.name;
    for (const [field, input] of this.inputs) {
      const text = String(Number(current.placement[field].toFixed(field === "factor" ? 3 : 2)));
      if (active === input && input.value !== this.written.get(input)) continue;
      input.value = text;
      this.written.set(input, text);
    }
  }
}

const tidy = (value: number): number => Number(value.toFixed(6));
const around = (degrees: number): number => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** The least height at which its roof stays above its foot. */
function leastHeight(draft: Draft): number {
  return Math.max(LEAST_M, draft.first_height_m - draft.tall_m + LEAST_M);
}

function sameRing(a: Point[], b: Point[]): boolean {
  return a.length === b.length && a.every((point, i) => distance(point, b[i] as Point) < 0.01);
}
