/** A height limit over a plot, level or sloping: a body of glass, and the objects that stand out of it. */
import type { HeightLimit, Vec3 } from "../../engine/api";
import type { CityApp } from "../app";
import { AskingTool, numberField, toolCard } from "./card";

const FIRST_M = 60;

export class LimitTool extends AskingTool {
  readonly element: HTMLElement;
  found: HeightLimit | null = null;
  private height_m = FIRST_M;
  private slope = 0;
  private corners: Vec3[] = [];
  private readonly answer: HTMLElement;

  constructor(app: CityApp) {
    super(app, "outline");
    const { dom } = app;
    this.answer = dom.h("div", { class: "tool-body", attributes: { role: "status" } });
    const height = numberField(app, "limit.height", FIRST_M, "m", (value) => {
      this.height_m = value;
      this.look();
    }, { min: 0 });
    const slope = numberField(app, "limit.slope", 0, "%", (value) => {
      this.slope = value / 100;
      this.look();
    });
    this.element = toolCard(app, "limit", "limit.title", () => this.close(), height, slope, this.answer, dom.button("limit.again", () => this.ask(), "button quiet", "area"));
  }

  protected take(points: Vec3[]): void {
    this.corners = points;
    this.look();
  }

  /** The limit counts from the lowest corner; a slope rises away from the edge that was drawn first. */
  private look(): void {
    const { engine } = this.app;
    if (!engine || this.corners.length < 3) return;
    const base = Math.min(...this.corners.map(([, , z]) => z));
    this.found = engine.limitHeight(this.corners, base, base + this.height_m, this.slope);
    this.show();
  }

  protected forget(): void {
    this.corners = [];
    this.found = null;
    this.app.engine?.clearLimit();
  }

  protected show(): void {
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
