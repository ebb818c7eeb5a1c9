/** Drawing a building: the corners of its footprint on the ground, then its height; by pointer, by keys, by numbers. */
import type { PointerTool, Sketch, Vec3 } from "../../engine/api";
import { distance, ended, type Fault, faultOf, type Point, readSide, rectangle, sideOf, signedArea } from "../../engine/footprint";
import { type Snap, snapped } from "../../engine/snapping";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import { drawn } from "../draft_model";
import { KeepBox } from "../keepbox";
import { Outlines } from "../outlines";
import { segments, type Tool, toolCard } from "./card";
import { HeightFields } from "./height";
import { historyRow } from "./history";

type Mode = "polygon" | "rectangle";

/** Pixels within which the pointer snaps, and that an arrow key moves it, and with Shift. */
const NEAR_PX = 12;
const STEP = 24;
const FINE = 4;
/** A click so soon after one that closed a footprint or finished a building, and so near, is the second half of a double click. */
const AGAIN_MS = 400;
const AGAIN_PX = 6;
const FAULTS: Record<Fault, Key> = { few: "draw.fault.few", short: "draw.fault.short", small: "draw.fault.small", crossing: "draw.fault.crossing" };

export class DrawTool implements Tool, PointerTool {
  readonly element: HTMLElement;
  open = false;
  mode: Mode = "polygon";
  private at: { x: number; y: number } | null = null;
  private cursor: { snap: Snap; z: number } | null = null;
  private frame = 0;
  /** The click that closed a footprint or finished a building last. */
  private ended: { x: number; y: number; time_ms: number } | null = null;
  private readonly outlines: Outlines;
  private readonly hint: HTMLElement;
  private readonly facts: HTMLElement;
  private readonly side: HTMLInputElement;
  private readonly sideField: HTMLElement;
  private readonly height: HeightFields;
  private readonly finishButton: HTMLButtonElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.outlines = new Outlines(app);
    this.hint = dom.h("p", { class: "hint", attributes: { role: "status" } });
    this.facts = dom.h("p", { class: "draft-facts" });
    this.side = dom.h("input", { label: "draw.side", attributes: { type: "text", inputmode: "text", placeholder: "24<90", autocomplete: "off" } });
    this.side.removeAttribute("title");
    this.side.addEventListener("keydown", (event) => this.sideKey(event));
    const set = dom.button("draw.set", () => this.typed(), "button quiet small");
    this.sideField = dom.h("label", { class: "number-field" }, dom.h("span", { class: "grow", text: "draw.side" }), this.side, set);
    this.height = new HeightFields(app, () => this.render(), () => this.finish());
    this.finishButton = dom.button("draw.finish", () => this.finish(), "button primary", "check");
    const modes: [Mode, Key][] = [["polygon", "draw.polygon"], ["rectangle", "draw.rectangle"]];
    const choose = segments(app, "draw.mode", modes, this.mode, (mode) => this.choose(mode));
    const keys = dom.h("p", { class: "hint", text: "draw.keys" });
    const keep = new KeepBox(app);
    this.element = toolCard(app, "draw", "draw.title", () => this.stop(), dom.h("div", { class: "tool-body" }, choose, this.hint, this.facts, this.sideField, this.height.element, this.finishButton, historyRow(app)), keep.element, keys);
    app.drafts.onChange(() => this.render());
    app.i18n.onChange(() => this.render());
  }

  /** Corners that are set, in plan. */
  private get ring(): Point[] {
    return this.app.drafts.state.corners.map(([x, y]) => [x, y]);
  }

  private get rising(): boolean {
    return this.app.drafts.state.rising;
  }

  toggle(): void {
    if (this.open) this.stop();
    else this.start();
  }

  start(): void {
    const { app } = this;
    if (!app.engine || this.open) return;
    app.shell.tools.measure.escape();
    app.shell.tools.area.escape();
    app.shell.tools.edit.stop();
    this.open = true;
    this.at = null;
    this.cursor = null;
    app.engine.drafting.setTool(this);
    app.fire("tools", null);
    app.shell.stage.focus();
    // The mark begins in the middle of the view, for those who draw by keys.
    const { x, y } = this.keyPlace();
    this.move(x, y);
  }

  /** Ends drawing; what is finished stays. */
  stop(): void {
    if (!this.open) return;
    const { app } = this;
    this.open = false;
    cancelAnimationFrame(this.frame);
    app.drafts.preview(null);
    if (this.ring.length > 0) app.drafts.set({ corners: [], rising: false });
    app.engine?.drafting.setTool(null);
    app.engine?.drafting.showSketch(null);
    app.fire("tools", null);
  }

  /** First what is being drawn goes, then the tool. */
  escape(): boolean {
    if (!this.open) return false;
    this.ended = null;
    if (this.ring.length > 0) this.app.drafts.set({ corners: [], rising: false });
    else this.stop();
    return true;
  }

  reset(): void {
    this.stop();
    this.outlines.clear();
    this.app.drafts.reset();
  }

  press(key: string): boolean {
    if (!this.open) return false;
    if (/^[\d<.,]$/.test(key)) {
      this.startTyping(key);
      return true;
    }
    const acts: Record<string, () => void> = { " ": () => this.here(), Enter: () => this.enter(), Backspace: () => this.back() };
    acts[key]?.();
    return key in acts;
  }

  /** An arrow key moves the place that Space sets a corner at. */
  arrow(right: number, up: number, fine: boolean): boolean {
    if (!this.open) return false;
    const { x, y } = this.keyPlace();
    const step = fine ? FINE : STEP;
    this.move(x + right * step, y - up * step);
    return true;
  }

  // pointer -------------------------------------------------------------------------------------

  move(clientX: number, clientY: number): void {
    this.at = { x: clientX, y: clientY };
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      this.point();
      this.render();
    });
  }

  click(clientX: number, clientY: number, time_ms: number): void {
    if (this.again(clientX, clientY, time_ms)) return;
    const { rising } = this;
    this.at = { x: clientX, y: clientY };
    this.point();
    if (rising) this.finish();
    else if (this.cursor) this.corner();
    if (this.rising !== rising) this.ended = { x: clientX, y: clientY, time_ms };
    this.render();
  }

  double(clientX: number, clientY: number, time_ms: number): void {
    if (this.rising || this.again(clientX, clientY, time_ms)) return;
    this.close(this.ring);
    if (this.rising) this.ended = { x: clientX, y: clientY, time_ms };
  }

  private again(x: number, y: number, time_ms: number): boolean {
    const { ended } = this;
    return ended !== null && time_ms - ended.time_ms < AGAIN_MS && Math.hypot(x - ended.x, y - ended.y) < AGAIN_PX;
  }

  // steps ---------------------------------------------------------------------------------------

  /** Works out where the pointer means. */
  private point(): void {
    const drafting = this.app.engine?.drafting;
    const { at } = this;
    if (!drafting || !at) return;
    if (this.rising) {
      const height = drafting.uprightAt(at.x, at.y, this.anchor());
      if (height !== null) this.height.pull(height, drafting.free);
      return;
    }
    const ground = drafting.groundAt(at.x, at.y);
    if (!ground) {
      this.cursor = null;
      return;
    }
    const plan: Point = [ground[0], ground[1]];
    this.outlines.around(plan);
    const corners = this.ring;
    const near_m = NEAR_PX * drafting.metresPerPixel(ground);
    const free: Snap = { point: plan, kind: null, guide: null };
    const outlines = [...this.outlines.rings, ...this.app.drafts.outlines()];
    const closing = corners.length >= 3 && this.mode === "polygon";
    const snap = drafting.free ? free : snapped({ cursor: plan, near_m, corners: this.mode === "rectangle" ? corners.slice(0, 1) : corners, outlines, closing });
    this.cursor = { snap, z: ground[2] };
  }

  private corner(): void {
    const { cursor, ring } = this;
    if (!cursor) return;
    if (cursor.snap.kind === "close") return this.close(ring);
    const last = ring[ring.length - 1];
    if (last && distance(last, cursor.snap.point) < 0.01) return;
    this.addCorner(cursor.snap.point, cursor.z);
  }

  private addCorner([x, y]: Point, z: number): void {
    const corners = [...this.app.drafts.state.corners, [x, y, z] as Vec3];
    if (this.mode === "rectangle" && corners.length === 3) {
      const [a, b, c] = corners.map(([cx, cy]): Point => [cx, cy]) as [Point, Point, Point];
      return this.close(rectangle(a, b, c));
    }
    this.app.drafts.set({ corners });
  }

  /** Closes a footprint, or says why it is none. */
  private close(ring: Point[]): void {
    const { app } = this;
    const fault = faultOf(ring);
    if (fault) return app.notices.show(app.i18n.t(FAULTS[fault]), "error");
    const turned = signedArea(ring) > 0 ? ring : [...ring].reverse();
    const heights = app.engine?.drafting.groundHeights(turned) ?? [];
    const foot = Math.min(...heights);
    app.drafts.set({ corners: turned.map(([x, y]): Vec3 => [x, y, foot]), rising: true });
  }

  private finish(): void {
    const { app } = this;
    if (!this.rising) return;
    const { height_m, storeys } = this.height;
    const layer = app.manifest?.layers.find((each) => each.theme === "buildings")?.name ?? "buildings";
    const key = app.drafts.nextKey();
    const number = app.drafts.all.filter((draft) => draft.origin !== "existing").length + 1;
    const foot = app.drafts.state.corners[0]?.[2] ?? 0;
    app.drafts.preview(null);
    app.drafts.add(drawn(key, this.ring, foot, height_m, layer, app.i18n.t("draw.name", { number }), { storeys }), { corners: [], rising: false });
    this.cursor = null;
    app.shell.stage.focus();
    this.render();
  }

  private choose(mode: Mode): void {
    this.mode = mode;
    this.ended = null;
    if (this.ring.length > 0) this.app.drafts.set({ corners: [], rising: false });
    this.render();
  }

  private enter(): void {
    if (this.rising) this.finish();
    else if (this.mode === "polygon") this.close(this.ring);
    else this.here();
  }

  private back(): void {
    const { corners } = this.app.drafts.state;
    if (this.rising) this.app.drafts.undo();
    else if (corners.length > 0) this.app.drafts.set({ corners: corners.slice(0, -1) });
  }

  // keys ----------------------------------------------------------------------------------------

  private keyPlace(): { x: number; y: number } {
    if (this.at) return this.at;
    const { left, top, width, height } = (this.app.engine?.canvas ?? this.app.shell.view).getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  }

  private here(): void {
    const { x, y } = this.keyPlace();
    this.ended = null;
    this.click(x, y, performance.now());
  }

  private startTyping(key: string): void {
    if (this.rising) return this.height.type(key);
    this.side.value += key;
    this.side.focus();
  }

  private sideKey(event: KeyboardEvent): void {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (this.side.value.trim() === "") this.enter();
    else this.typed();
  }

  /** A side by its numbers; what is left out is as the pointer says. */
  private typed(): void {
    const { app, ring } = this;
    const last = ring[ring.length - 1];
    const read = readSide(this.side.value);
    if (!read || !last) return app.notices.show(app.i18n.t(last ? "draw.side.wrong" : "draw.side.first"), "error");
    this.side.value = "";
    const pointed = this.cursor ? sideOf(last, this.cursor.snap.point) : { length_m: 0, angle_deg: 0 };
    const wide = this.mode === "rectangle" && ring.length === 2;
    const across = wide ? this.acrossAngle() : null;
    const point = ended(last, read.length_m ?? pointed.length_m, across ?? read.angle_deg ?? pointed.angle_deg);
    const [z = 0] = app.engine?.drafting.groundHeights([point]) ?? [];
    this.addCorner(point, z);
    app.shell.stage.focus();
  }

  /** Direction of a rectangle's second side: upright to the first, on the pointer's side of it. */
  private acrossAngle(): number {
    const [a, b] = this.ring as [Point, Point];
    const { angle_deg } = sideOf(a, b);
    const beside = this.cursor?.snap.point;
    const left = !beside || (b[0] - a[0]) * (beside[1] - a[1]) - (b[1] - a[1]) * (beside[0] - a[0]) >= 0;
    return angle_deg + (left ? 90 : -90);
  }

  // picture -------------------------------------------------------------------------------------

  /** Foot of the upright along which the height is pulled: the corner that was set last. */
  private anchor(): Vec3 {
    const { corners } = this.app.drafts.state;
    return corners[corners.length - 1] ?? [0, 0, 0];
  }

  private render(): void {
    const { app } = this;
    if (!this.open || !app.engine) return;
    this.hint.textContent = app.i18n.t(this.hintKey());
    this.sideField.hidden = this.rising;
    this.height.element.hidden = this.finishButton.hidden = !this.rising;
    const ring = this.outline();
    this.preview(ring);
    app.engine.drafting.showSketch(this.sketch(ring));
    this.facts.textContent = this.factsOf(ring);
  }

  private hintKey(): Key {
    if (this.rising) return "draw.hint.height";
    const count = this.ring.length;
    if (count === 0) return "draw.hint.first";
    if (this.mode === "rectangle") return count === 1 ? "draw.hint.side" : "draw.hint.width";
    return count < 3 ? "draw.hint.next" : "draw.hint.close";
  }

  /** The ring as it would be with a corner at the pointer. */
  private outline(): Point[] {
    const ring = this.ring;
    const point = this.cursor?.snap.point;
    if (this.rising || !point) return ring;
    if (this.mode === "rectangle" && ring.length === 2) return rectangle(ring[0] as Point, ring[1] as Point, point);
    return this.cursor?.snap.kind === "close" ? ring : [...ring, point];
  }

  private preview(ring: Point[]): void {
    const { app } = this;
    const solid = (this.rising || ring.length >= 3) && faultOf(ring) === null;
    const foot = app.drafts.state.corners.reduce((least, [, , z]) => Math.min(least, z), Infinity);
    const height = this.rising ? this.height.height_m : this.height.storey_m;
    app.drafts.preview(solid && Number.isFinite(foot) ? drawn("preview", ring, foot, height, "", "") : null);
  }

  private sketch(ring: Point[]): Sketch {
    const { app, cursor } = this;
    const { i18n } = app;
    const { corners } = app.drafts.state;
    const z = (i: number): number => corners[i]?.[2] ?? cursor?.z ?? corners[corners.length - 1]?.[2] ?? 0;
    const path = ring.map(([x, y], i): Vec3 => [x, y, z(i)]);
    const fault = ring.length >= 3 ? faultOf(ring) : null;
    const closed = this.rising || (this.mode === "rectangle" && ring.length === 4);
    const sides = ring.slice(closed ? 0 : 1).map((to, i): [Point, Point, number] => (closed ? [to, ring[(i + 1) % ring.length] as Point, i] : [ring[i] as Point, to, i]));
    const labels: Sketch["labels"] = sides.map(([a, b, i]) => ({ at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, z(i)], text: i18n.metres(Number(distance(a, b).toFixed(2))) }));
    if (this.rising) {
      const [x, y, foot] = this.anchor();
      labels.push({ at: [x, y, foot + this.height.height_m], text: i18n.metres(this.height.height_m) });
    }
    const hint = cursor?.snap.kind && !this.rising ? i18n.t(`draw.snap.${cursor.snap.kind}` as Key) : "";
    if (hint && cursor) labels.push({ at: [cursor.snap.point[0], cursor.snap.point[1], cursor.z], text: hint, hint: true });
    const guide = cursor?.snap.guide && !this.rising ? (cursor.snap.guide.map(([x, y]): Vec3 => [x, y, cursor.z]) as [Vec3, Vec3]) : null;
    const snap: Vec3 | null = cursor && !this.rising ? [cursor.snap.point[0], cursor.snap.point[1], cursor.z] : null;
    return { path, set: this.rising ? ring.length : corners.length, closing: ring.length > 2, wrong: fault === "crossing", guide, snap, labels };
  }

  private factsOf(ring: Point[]): string {
    const { i18n } = this.app;
    const parts: string[] = [];
    const [a, b] = ring.slice(-2);
    if (!this.rising && this.mode === "polygon" && a && b) {
      const { length_m, angle_deg } = sideOf(a, b);
      parts.push(`${i18n.metres(length_m)} < ${i18n.number(angle_deg, 1)}°`);
    }
    if (ring.length >= 3) parts.push(i18n.t("draw.area", { value: i18n.squareMetres(Math.abs(signedArea(ring))) }));
    if (this.rising) parts.push(i18n.t("draw.volume", { value: i18n.cubicMetres(Math.abs(signedArea(ring)) * this.height.height_m) }));
    return parts.join(" · ");
  }
}
