/** How a point cloud is drawn: what its points are coloured by, their size, and classes that are hidden. */
import type { CloudSpec, LayerSpec, PointLook, PointMode } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";

const MODES: Record<PointMode, Key> = {
  rgb: "cloud.mode.rgb",
  classes: "cloud.mode.classes",
  height: "cloud.mode.height",
  intensity: "cloud.mode.intensity",
};
const SMALLEST = 0.4;
const LARGEST = 4;

/** The look that a cloud starts with. */
export function firstLook(cloud: CloudSpec): PointLook {
  return { mode: cloud.mode, size: 1, hidden: cloud.classes.filter((each) => each.hidden).map((each) => each.code) };
}

/** Controls of one cloud, below its row among the layers. */
export class CloudControls {
  readonly element: HTMLElement;
  private readonly legend: HTMLElement;
  private look: PointLook;

  constructor(
    private readonly app: CityApp,
    private readonly layer: LayerSpec,
    private readonly cloud: CloudSpec,
  ) {
    const { dom } = app;
    this.look = app.pointLook(layer);
    this.legend = dom.h("div", { class: "cloud-legend" });
    this.element = dom.h("div", { class: "cloud", attributes: { "data-cloud": layer.name } }, this.modes(), this.size(), this.legend);
    this.show();
    app.i18n.onChange(() => this.show());
  }

  private modes(): HTMLElement {
    const { dom, i18n } = this.app;
    const options = this.cloud.modes.map((mode) => dom.h("option", { text: MODES[mode], attributes: { value: mode, selected: mode === this.look.mode } }));
    const select = dom.h("select", { class: "grow", label: "cloud.mode" }, ...options);
    select.addEventListener("change", () => this.change({ mode: select.value as PointMode }));
    const count = dom.h("small", {});
    i18n.bind(count, () => (count.textContent = i18n.t("cloud.points", { count: short(this.cloud.points, i18n.locale) })));
    return dom.h("div", { class: "row" }, select, count);
  }

  private size(): HTMLElement {
    const { dom } = this.app;
    const attributes = { type: "range", min: Math.log2(SMALLEST), max: Math.log2(LARGEST), step: 0.05, value: Math.log2(this.look.size) };
    const slider = dom.h("input", { label: "cloud.size", attributes });
    slider.addEventListener("input", () => this.change({ size: 2 ** Number(slider.value) }));
    return dom.h("label", { class: "row" }, dom.h("small", { text: "cloud.size" }), slider);
  }

  private change(patch: Partial<PointLook>): void {
    this.look = { ...this.look, ...patch };
    this.app.setPointLook(this.layer.name, this.look);
    if (patch.size === undefined) this.show();
  }

  private show(): void {
    const { mode } = this.look;
    const { intensity, height, stops } = this.cloud;
    if (mode === "height") this.legend.replaceChildren(this.ramp(stops, height, "m"));
    else if (mode === "intensity" && intensity) this.legend.replaceChildren(this.ramp([[0, "#262626"], [1, "#ffffff"]], intensity, ""));
    else this.legend.replaceChildren(this.classes(mode === "classes"));
  }

  private ramp(stops: [number, string][], [low, high]: [number, number], unit: string): HTMLElement {
    const { dom, i18n } = this.app;
    const bar = dom.h("div", { class: "ramp" });
    bar.style.background = `linear-gradient(90deg, ${stops.map(([place, colour]) => `${safe(colour)} ${place * 100}%`).join(", ")})`;
    const ticks = [low, (low + high) / 2, high].map((value) => dom.h("span", {}, `${i18n.number(value, high - low < 20 ? 1 : 0)}${unit && ` ${unit}`}`));
    return dom.h("div", { class: "ramp-box" }, bar, dom.h("div", { class: "ticks" }, ...ticks));
  }

  /** Every class with a switch; with its colour where the points have it. */
  private classes(coloured: boolean): HTMLElement {
    const { dom, i18n } = this.app;
    const rows = this.cloud.classes.map(({ code, colour, titles, points }) => {
      const box = dom.h("input", { attributes: { type: "checkbox", checked: !this.look.hidden.includes(code), "data-class": code } });
      box.addEventListener("change", () => this.hide(code, !box.checked));
      const swatch = coloured ? dom.h("span", { class: "swatch" }) : null;
      if (swatch) swatch.style.background = safe(colour);
      const count = dom.h("span", { class: "count" }, short(points, i18n.locale));
      return dom.h("li", {}, dom.h("label", { class: "row" }, box, swatch, dom.h("span", { class: "grow" }, i18n.title(titles)), count));
    });
    return dom.h("ul", { class: "cloud-classes", label: "cloud.classes" }, ...rows);
  }

  private hide(code: number, hidden: boolean): void {
    const others = this.look.hidden.filter((each) => each !== code);
    this.change({ hidden: hidden ? [...others, code].sort((a, b) => a - b) : others });
  }
}

function short(count: number, locale: string): string {
  return count.toLocaleString(locale, { notation: "compact", maximumFractionDigits: 1 });
}

function safe(colour: string): string {
  return /^#[0-9a-fA-F]{6}$/.test(colour) ? colour : "#888888";
}
