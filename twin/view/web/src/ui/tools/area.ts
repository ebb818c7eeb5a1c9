/** Selecting by a rectangle or a free shape that is drawn over the picture, with the mouse, a finger or the keys. */
import type { LayerSpec } from "../../engine/api";
import type { CityApp } from "../app";
import type { Change } from "../selection";
import { choice, type Tool, toolCard } from "./card";

type Mode = "box" | "lasso";
type Point = [number, number];

const EVERYTHING = "*";
/** Themes of what other things stand on. */
const GROUND = ["terrain", "landuse", "water", "roads", "districts"];
const SVG = "http://www.w3.org/2000/svg";
/** Pixels that an arrow key moves the cross, and with Shift. */
const STEP = 24;
const FINE = 4;
/** Pixels between two points of a free shape. */
const APART = 3;

export class AreaTool implements Tool {
  readonly element: HTMLElement;
  mode: Mode | null = null;
  private readonly veil: HTMLElement;
  private readonly outline: SVGPolygonElement;
  private readonly cross: SVGPathElement;
  private points: Point[] = [];
  private drawing = false;
  private at: Point = [0, 0];
  /** Layer that is selected from; empty = all things that stand on the ground. */
  private from = "";
  private readonly layers: HTMLElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.layers = dom.h("div");
    this.element = toolCard(app, "area", "area.title", () => this.stop(), this.layers, dom.h("p", { class: "hint", text: "area.hint" }), dom.h("p", { class: "hint", text: "area.keys" }));
    const svg = document.createElementNS(SVG, "svg");
    this.outline = document.createElementNS(SVG, "polygon");
    this.cross = document.createElementNS(SVG, "path");
    svg.append(this.outline, this.cross);
    this.veil = dom.h("div", { class: "draw-veil", label: "area.label", attributes: { tabindex: 0, role: "application" } });
    this.veil.removeAttribute("title");
    this.veil.append(svg);
    this.veil.addEventListener("pointerdown", (event) => this.down(event));
    this.veil.addEventListener("pointermove", (event) => this.move(event));
    this.veil.addEventListener("pointerup", (event) => this.up(event));
    this.veil.addEventListener("keydown", (event) => this.key(event));
  }

  get open(): boolean {
    return this.mode !== null;
  }

  toggle(mode: Mode): void {
    if (this.mode === mode) return this.stop();
    this.app.shell.tools.measure.escape();
    this.app.shell.tools.draw.stop();
    this.mode = mode;
    this.points = [];
    this.showLayers();
    this.app.shell.view.append(this.veil);
    this.at = [this.veil.clientWidth / 2, this.veil.clientHeight / 2];
    this.draw(false);
    this.veil.focus();
    this.app.fire("tools", null);
  }

  escape(): boolean {
    if (!this.mode) return false;
    this.stop();
    return true;
  }

  reset(): void {
    this.stop();
  }

  private showLayers(): void {
    const { app } = this;
    const { i18n, manifest } = app;
    const layers = (manifest?.layers ?? []).map((layer): [string, string] => [layer.name, i18n.title(layer.titles, layer.name)]);
    this.layers.replaceChildren(choice(app, "area.layers", [["", i18n.t("area.standing")], [EVERYTHING, i18n.t("area.everything")], ...layers], this.from, (value) => (this.from = value)));
  }

  /** Whether an object of a layer is wanted. */
  private takes(layer: LayerSpec): boolean {
    if (this.from === EVERYTHING) return true;
    return this.from ? layer.name === this.from : !GROUND.includes(layer.theme);
  }

  private stop(): void {
    const focused = this.veil.matches(":focus");
    this.mode = null;
    this.drawing = false;
    this.veil.remove();
    if (focused) this.app.shell.stage.focus();
    this.app.fire("tools", null);
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.stopPropagation();
    this.veil.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.points = [this.place(event)];
  }

  private move(event: PointerEvent): void {
    if (!this.drawing) return;
    const point = this.place(event);
    if (this.mode === "box") this.points = [this.points[0] as Point, point];
    else {
      const last = this.points[this.points.length - 1] as Point;
      if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= APART) this.points.push(point);
    }
    this.draw(false);
  }

  private up(event: PointerEvent): void {
    if (!this.drawing) return;
    this.drawing = false;
    this.finish(event.altKey ? "remove" : event.shiftKey || event.ctrlKey ? "add" : "replace");
  }

  private key(event: KeyboardEvent): void {
    const arrows: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = arrows[event.key];
    if (way) {
      const step = event.shiftKey ? FINE : STEP;
      const within = (value: number, most: number): number => Math.min(most, Math.max(0, value));
      this.at = [within(this.at[0] + way[0] * step, this.veil.clientWidth), within(this.at[1] + way[1] * step, this.veil.clientHeight)];
      this.draw(true);
    } else if (event.key === " ") {
      this.points.push([...this.at]);
      if (this.mode === "box" && this.points.length === 2) this.finish(event.shiftKey ? "add" : "replace");
      else this.draw(true);
    } else if (event.key === "Enter") this.finish(event.shiftKey ? "add" : "replace");
    else if (event.key === "Backspace") {
      this.points.pop();
      this.draw(true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private place(event: PointerEvent): Point {
    const box = this.veil.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** Corners of what is drawn; a rectangle of two is filled in. */
  private shape(): Point[] {
    const [a, b] = this.points;
    if (this.mode !== "box" || !a || !b) return this.points;
    return [a, [b[0], a[1]], b, [a[0], b[1]]];
  }

  private draw(keys: boolean): void {
    const shape = keys && this.points.length > 0 ? (this.mode === "box" ? this.boxTo(this.at) : [...this.points, this.at]) : this.shape();
    this.outline.setAttribute("points", shape.map((point) => point.join(",")).join(" "));
    const [x, y] = this.at;
    this.cross.setAttribute("d", keys ? `M${x - 12} ${y}h24M${x} ${y - 12}v24` : "");
  }

  private boxTo(corner: Point): Point[] {
    const [a] = this.points as [Point];
    return [a, [corner[0], a[1]], corner, [a[0], corner[1]]];
  }

  private finish(how: Change): void {
    const shape = this.shape();
    const { engine } = this.app;
    if (shape.length < 3 || !engine) {
      this.points = [];
      this.draw(false);
      return;
    }
    const { left, top } = this.veil.getBoundingClientRect();
    const wanted = (this.app.manifest?.layers ?? []).filter((layer) => this.takes(layer));
    const handles = engine.within(shape.map(([x, y]) => [x + left, y + top])).filter((handle) => wanted.some(({ base, count }) => handle >= base && handle < base + count));
    this.stop();
    this.app.selection.change(handles, how);
    if (handles.length === 0) this.app.notices.show(this.app.i18n.t("area.none"), "info");
  }
}
