/** One live stream of the selected object: value, age, quality and the last day as a chart. */
import type { Series, StreamValue } from "../backend/messages";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { Chart } from "./chart";
import { age } from "./timebar";

const HOURS = 24;
const QUALITIES: [string, Key][] = [
  ["up", "stream.good"],
  ["old", "stream.old"],
  ["suspect", "stream.suspect"],
  ["off", "stream.missing"],
];

export class StreamCard {
  readonly element: HTMLElement;
  private readonly value: HTMLElement;
  private readonly note: HTMLElement;
  private readonly chart: Chart;

  constructor(
    private readonly app: CityApp,
    stream: StreamValue,
    private readonly handle: number,
  ) {
    const { dom, i18n } = app;
    this.value = dom.h("strong", { class: "stream-value" });
    this.note = dom.h("span", { class: "stream-note" });
    const name = i18n.title(stream.titles, stream.name);
    this.chart = new Chart(app, name, stream.unit);
    this.element = dom.h(
      "article",
      { class: "stream" },
      dom.h("div", { class: "row" }, dom.h("span", { class: "grow" }, name), this.value, dom.h("span", { class: "unit" }, stream.unit)),
      this.note,
      this.chart.element,
    );
    this.update(stream);
    void this.load(stream.id).catch((error: unknown) => app.report(error));
  }

  update(stream: StreamValue): void {
    const { dom, i18n } = this.app;
    this.value.textContent = stream.value === null ? "–" : i18n.number(stream.value, 2);
    const [state, key] = QUALITIES[stream.quality] ?? ["off", "stream.missing"];
    const words = stream.age_s === null ? i18n.t("stream.none") : age((k, v) => i18n.t(k, v), stream.age_s);
    this.note.replaceChildren(
      dom.h("span", { class: `chip ${state}` }, dom.h("span", { class: "dot" }), dom.h("span", {}, i18n.t(key))),
      dom.h("span", { class: "muted" }, words),
    );
    if (stream.value !== null && stream.time !== null) this.chart.append(stream.time, stream.value);
  }

  dispose(): void {
    this.chart.dispose();
  }

  private async load(id: string): Promise<void> {
    const all = await this.app.ask<Series[]>("series", { handle: this.handle, hours: HOURS, stream: id });
    this.chart.fill(all.find((series) => series.stream === id) ?? null);
  }
}
