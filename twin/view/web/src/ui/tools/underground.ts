/** Looking through the ground, or into a trench that is dug along a line. */
import type { Trench } from "../../engine/tool_api";
import type { Vec3 } from "../../engine/api";
import type { CityApp } from "../app";
import { slider, type Slider, type Tool, toolCard } from "./card";

const FIRST = 0.7;
const WIDTH_M = 8;
const DEPTH_M = 5;
/** A shorter line is no trench. */
const LEAST_M = 1;

export class UndergroundTool implements Tool {
  readonly element: HTMLElement;
  private readonly amount: Slider;
  private readonly width: Slider;
  private readonly depth: Slider;
  private readonly hint: HTMLElement;
  private readonly fill: HTMLElement;
  private wanted = false;
  /** Points of the line that were set so far; null = nobody asked for them. */
  private line: Vec3[] | null = null;
  private size = { width_m: WIDTH_M, depth_m: DEPTH_M };

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.amount = slider(app, "underground.amount", [0, 1, 0.05], app.state.underground, "", (amount) => app.setUnderground(amount));
    this.width = slider(app, "trench.width", [2, 60, 1], WIDTH_M, " m", (width_m) => this.resize({ width_m }));
    this.depth = slider(app, "trench.depth", [1, 30, 0.5], DEPTH_M, " m", (depth_m) => this.resize({ depth_m }));
    this.hint = dom.h("p", { class: "hint", attributes: { role: "status", hidden: true } });
    this.fill = dom.button("trench.fill", () => app.setTrench(null), "button quiet small", "close");
    const dig = dom.button("trench.dig", () => this.ask(), "button quiet small", "section");
    const row = dom.h("div", { class: "row wrap" }, dig, this.fill);
    this.element = toolCard(app, "underground", "underground.title", () => this.toggle(), this.amount.element, this.width.element, this.depth.element, row, this.hint);
    app.on("tools", () => this.show());
    app.i18n.onChange(() => this.show());
    this.show();
  }

  get open(): boolean {
    return this.wanted || this.app.state.underground > 0 || this.app.state.trench !== null;
  }

  toggle(): void {
    this.wanted = !this.open;
    this.stop();
    if (!this.wanted && this.app.state.trench) this.app.setTrench(null);
    this.app.setUnderground(this.wanted ? FIRST : 0);
  }

  escape(): boolean {
    const asked = this.line !== null;
    this.stop();
    this.show();
    return asked;
  }

  reset(): void {
    this.stop();
  }

  /** Two points on the ground. The ground has to be there to be clicked. */
  private ask(): void {
    this.app.setTrench(null);
    this.app.setUnderground(0);
    this.wanted = true;
    this.line = [];
    this.next();
  }

  private next(): void {
    this.app.shell.tools.measure.ask("point", ({ points }) => this.take(points[0] as Vec3));
    this.show();
  }

  private take(point: Vec3): void {
    if (!this.line) return;
    this.line.push(point);
    const [from, to] = this.line;
    if (!from || !to || Math.hypot(to[0] - from[0], to[1] - from[1]) < LEAST_M) {
      this.line = from ? [from] : [];
      return this.next();
    }
    this.stop();
    this.app.setTrench({ from, to, ...this.size });
  }

  private stop(): void {
    if (this.line) this.app.shell.tools.measure.stop();
    this.line = null;
  }

  private resize(part: Partial<Trench>): void {
    this.size = { ...this.size, ...part };
    const { trench } = this.app.state;
    if (trench) this.app.setTrench({ ...trench, ...this.size });
  }

  private show(): void {
    const { underground, trench } = this.app.state;
    this.amount.set(underground);
    if (trench) this.size = { width_m: trench.width_m, depth_m: trench.depth_m };
    this.width.set(this.size.width_m);
    this.depth.set(this.size.depth_m);
    this.fill.hidden = trench === null;
    this.hint.hidden = this.line === null;
    this.hint.textContent = this.app.i18n.t(this.line?.length ? "trench.to" : "trench.from");
  }
}
