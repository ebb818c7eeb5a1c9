/** What can be seen from a point: surfaces around it in two colours, and how much of them. */
import type { Vec3, Viewshed } from "../../engine/api";
import type { CityApp } from "../app";
import { AskingTool, slider, toolCard } from "./card";

const FIRST_M = 250;

export class ViewshedTool extends AskingTool {
  readonly element: HTMLElement;
  found: Viewshed | null = null;
  private radius_m = FIRST_M;
  private point: Vec3 | null = null;
  private readonly answer: HTMLElement;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(app: CityApp) {
    super(app, "point");
    const { dom } = app;
    this.answer = dom.h("div", { class: "viewshed-answer", attributes: { role: "status" } });
    const radius = slider(app, "viewshed.radius", [20, 1500, 10], this.radius_m, " m", (value) => {
      this.radius_m = value;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), 200);
    });
    this.element = toolCard(app, "viewshed", "viewshed.title", () => this.close(), radius.element, this.answer, dom.button("viewshed.again", () => this.ask(), "button quiet", "sight"));
  }

  protected take(points: Vec3[]): void {
    this.point = points[0] as Vec3;
    this.look();
  }

  private look(): void {
    if (!this.point || !this.app.engine) return;
    this.found = this.app.engine.viewshed(this.point, this.radius_m);
    this.show();
  }

  protected forget(): void {
    clearTimeout(this.timer);
    this.point = this.found = null;
    this.app.engine?.clearViewshed();
  }

  protected show(): void {
    const { dom, i18n } = this.app;
    const { found } = this;
    if (!found) {
      this.answer.replaceChildren(dom.h("p", { class: "hint", text: "viewshed.hint" }));
      return;
    }
    const entry = (colour: string, words: string): HTMLElement => {
      const swatch = dom.h("span", { class: "swatch" });
      swatch.style.background = colour;
      return dom.h("li", {}, swatch, words);
    };
    const share = found.area_m2 > 0 ? (100 * found.seen_m2) / found.area_m2 : 0;
    const hidden = found.area_m2 - found.seen_m2;
    this.answer.replaceChildren(
      dom.h("ul", { class: "classes" }, entry("#1f9d55", i18n.t("viewshed.seen", { share: i18n.number(share, 1), area: i18n.squareMetres(found.seen_m2) })), entry("#d0342c", i18n.t("viewshed.hidden", { area: i18n.squareMetres(hidden) }))),
      dom.h("p", { class: "hint", text: "viewshed.note" }),
    );
  }
}
