/** A line over time, drawn by uPlot in the page's colours and the city's own time. */
import uPlot from "uplot";
import type { Series } from "../backend/messages";
import type { CityApp } from "./app";

const DAY_S = 86_400;

export class Chart {
  readonly element: HTMLElement;
  private plot: uPlot | null = null;
  private times: number[] = [];
  private values: (number | null)[] = [];
  private readonly resize: ResizeObserver;
  private readonly retheme = (): void => this.redraw();

  constructor(
    private readonly app: CityApp,
    name: string,
    private readonly unit: string,
  ) {
    this.element = app.dom.h("div", { class: "chart", attributes: { role: "img" } });
    this.element.setAttribute("aria-label", app.i18n.t("stream.chart", { name }));
    this.resize = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resize.observe(this.element);
    app.shell.app.addEventListener("theme", this.retheme);
  }

  fill(series: Series | null): void {
    if (!series?.t.length) {
      this.element.replaceChildren(this.app.dom.h("p", { class: "hint" }, this.app.i18n.t("stream.empty")));
      return;
    }
    this.times = series.t.map((t) => t / 1000);
    this.values = [...series.v];
    this.redraw();
  }

  append(time_ms: number, value: number): void {
    const time = time_ms / 1000;
    if (!this.times.length || time <= (this.times.at(-1) ?? 0)) return;
    this.times.push(time);
    this.values.push(value);
    while ((this.times[0] ?? time) < time - DAY_S) {
      this.times.shift();
      this.values.shift();
    }
    this.plot?.setData([this.times, this.values]);
  }

  dispose(): void {
    this.resize.disconnect();
    this.app.shell.app.removeEventListener("theme", this.retheme);
    this.plot?.destroy();
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(120, this.element.clientWidth), height: Math.max(90, this.element.clientHeight) };
  }

  private redraw(): void {
    if (!this.times.length) return;
    this.plot?.destroy();
    const style = getComputedStyle(this.app.shell.app);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const font = `${Math.round(parseFloat(style.fontSize) * 0.78)}px ${style.fontFamily}`;
    const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const offset_ms = (this.app.manifest?.utc_offset_h ?? 0) * 3_600_000;
    this.element.replaceChildren();
    this.plot = new uPlot(
      {
        ...this.size(),
        tzDate: (seconds) => shifted(seconds * 1000 + offset_ms),
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        padding: [8, 8, 0, 0],
        series: [{}, { stroke: colour("--accent"), width: 1.75, fill: colour("--accent-soft"), spanGaps: false, points: { show: false } }],
        axes: [
          { ...axis, space: 60, values: (_plot, ticks) => ticks.map((tick) => clock(tick * 1000 + offset_ms)) },
          { ...axis, size: 48, label: undefined, values: (_plot, ticks) => ticks.map((tick) => this.app.i18n.number(tick, 2)) },
        ],
      },
      [this.times, this.values],
      this.element,
    );
    this.plot.root.title = this.unit;
  }
}

/** A date whose local fields are those of the moved UTC instant. */
function shifted(utc_ms: number): Date {
  const at = new Date(utc_ms);
  return new Date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds());
}

function clock(utc_ms: number): string {
  return new Date(utc_ms).toISOString().slice(11, 16);
}
