/** What the colours of the chosen overlay mean. */
import type { ClassLegend, OverlaySpec, RampLegend } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";

const TICKS = 5;
const STATES: [number, Key][] = [
  [253, "legend.nodata"],
  [251, "legend.stale"],
  [252, "legend.suspect"],
  [254, "legend.alarm"],
];

export class Legend {
  readonly element: HTMLElement;

  private current: OverlaySpec | null = null;

  constructor(
    private readonly app: CityApp,
    className = "legend card",
    /** Whose colours these are, where there are several legends. */
    private readonly owners = "",
  ) {
    this.element = app.dom.h("section", { class: className, label: "legend.title", attributes: { hidden: true } });
    this.element.removeAttribute("title");
  }

  /** The legend of the overlay that the page shows. */
  static following(app: CityApp): Legend {
    const legend = new Legend(app);
    app.i18n.onChange(() => legend.show(legend.current));
    app.on("overlay", (overlay) => legend.show(overlay));
    legend.show(app.overlay);
    return legend;
  }

  show(overlay: OverlaySpec | null): void {
    this.current = overlay;
    this.element.hidden = overlay === null;
    if (!overlay) return;
    const { dom, i18n } = this.app;
    const head = dom.h(
      "header",
      {},
      dom.h("strong", { class: "grow" }, i18n.title(overlay.titles, overlay.name)),
      overlay.unit && overlay.unit !== "1" ? dom.h("span", { class: "unit" }, overlay.unit) : null,
    );
    const body = overlay.legend.type === "ramp" ? this.ramp(overlay.legend) : this.classes(overlay.legend);
    const owners = this.owners ? dom.h("small", { class: "owners" }, this.owners) : null;
    this.element.replaceChildren(head, ...(owners ? [owners] : []), body, this.states(overlay));
  }

  private ramp(legend: RampLegend): HTMLElement {
    const { dom, i18n } = this.app;
    const bar = dom.h("div", { class: "ramp" });
    const stops = legend.stops.map(([place, colour]) => `${safeColour(colour)} ${place * 100}%`);
    bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
    const span = legend.max - legend.min;
    const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(span) || 1))));
    const ticks = Array.from({ length: TICKS }, (_, i) => legend.min + (span * i) / (TICKS - 1));
    return dom.h(
      "div",
      { class: "ramp-box" },
      bar,
      dom.h("div", { class: "ticks" }, ...ticks.map((tick) => dom.h("span", {}, i18n.number(tick, digits)))),
    );
  }

  private classes(legend: ClassLegend): HTMLElement {
    const { dom, i18n } = this.app;
    return dom.h("ul", { class: "classes" }, ...legend.items.map((item) => this.entry(item.colour, i18n.title(item.titles), item.count)));
  }

  private states(overlay: OverlaySpec): HTMLElement {
    const palette = Uint8Array.from(atob(overlay.palette), (c) => c.charCodeAt(0));
    const wanted = overlay.source === "live" ? STATES : STATES.slice(0, 1);
    return this.app.dom.h(
      "ul",
      { class: "classes states" },
      ...wanted.map(([code, key]) => this.entry(hex(palette, code), this.app.i18n.t(key))),
    );
  }

  private entry(colour: string, text: string, count?: number): HTMLElement {
    const swatch = this.app.dom.h("span", { class: "swatch" });
    swatch.style.background = safeColour(colour);
    return this.app.dom.h("li", {}, swatch, text, count === undefined ? null : this.app.dom.h("small", {}, this.app.i18n.number(count, 0)));
  }
}

/** One legend for all views that share colours and scale, with their names where not all views share one. */
export function legendsOf(app: CityApp, views: { overlay: OverlaySpec | null; name: string }[]): HTMLElement[] {
  const groups = new Map<string, { overlay: OverlaySpec; names: string[] }>();
  for (const { overlay, name } of views) {
    if (!overlay) continue;
    const key = JSON.stringify([overlay.titles, overlay.unit, overlay.legend, overlay.palette]);
    const group = groups.get(key) ?? { overlay, names: [] };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ overlay, names }) => {
    const legend = new Legend(app, "legend-box", names.length < views.length ? names.join(" · ") : "");
    legend.show(overlay);
    return legend.element;
  });
}

function hex(palette: Uint8Array, code: number): string {
  return `#${[0, 1, 2].map((i) => (palette[code * 4 + i] ?? 0).toString(16).padStart(2, "0")).join("")}`;
}

function safeColour(colour: string): string {
  return /^#[0-9a-fA-F]{6}$/.test(colour) ? colour : "#888888";
}
