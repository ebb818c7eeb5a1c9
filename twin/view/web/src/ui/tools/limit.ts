/** A height limit over a plot: a body of glass, and the objects that stand out of it. */
import type { HeightLimit, Vec3 } from "../../engine/api";
import type { CityApp } from "../app";
import { numberField, type Tool, toolCard } from "./card";

const FIRST_M = 60;

export class LimitTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  found: HeightLimit | null = null;
  private height_m = FIRST_M;
  private corners: Vec3[] = [];
  private readonly answer: HTMLElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.answer = dom.h("div", { class: "tool-body", attributes: { role: "status" } });
    const height = numberField(app, "limit.height", FIRST_M, "m", (value) => {
      this.height_m = value;
      this.look();
    }, { min: 0 });
    this.element = toolCard(app, "limit", "limit.title", () => this.close(), height, this.answer, dom.button("limit.again", () => this.ask(), "button quiet", "area"));
    app.i18n.onChange(() => this.show());
  }

  toggle(): void {
    if (this.open) this.close();
    else this.ask();
  }

  escape(): boolean {
    if (!this.open) return false;
    this.close();
    return true;
  }

  reset(): void {
    this.close();
  }

  private ask(): void {
    this.open = true;
    this.app.shell.tools.measure.ask("outline", ({ points }) => {
      this.corners = points;
      this.look();
    });
    this.show();
    this.app.fire("tools", null);
  }

  /** The limit counts from the lowest corner. */
  private look(): void {
    const { engine } = this.app;
    if (!engine || this.corners.length < 3) return;
    const base = Math.min(...this.corners.map(([, , z]) => z));
    this.found = engine.limitHeight(this.corners, base, base + this.height_m);
    this.show();
  }

  private close(): void {
    if (this.open) this.app.shell.tools.measure.stop();
    this.open = false;
    this.corners = [];
    this.found = null;
    this.app.engine?.clearLimit();
    this.app.fire("tools", null);
  }

  private show(): void {
    const { dom, i18n, selection } = this.app;
    const { found } = this;
    if (!found) return this.answer.replaceChildren(dom.h("p", { class: "hint", text: "limit.hint" }));
    const count = found.handles.length;
    if (found.over_m2 === 0) return this.answer.replaceChildren(dom.h("p", { class: "trust good" }, dom.icon("check"), dom.h("span", { text: "limit.kept" })));
    const over = i18n.t("limit.over", { count: i18n.number(count, 0), most: i18n.number(found.most_m, 1), area: i18n.squareMetres(found.over_m2) });
    this.answer.replaceChildren(
      dom.h("p", { class: "trust bad" }, dom.icon("warning"), dom.h("span", {}, over)),
      dom.button("limit.select", () => selection.set(found.handles), "button quiet small"),
    );
  }
}
