/** The slider of the live past: a stretch of time that is remembered, scrubbed, played, and left again. */
import type { CityApp } from "./app";
import { fillSlider } from "./shell";
import { SPEEDS, type Span } from "./past";
import { choice } from "./tools/card";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEPS = 1000;
/** Shortest stretch that the slider spans. */
const LEAST_MS = 60_000;

export class HistoryBar {
  readonly element: HTMLElement;
  readonly opener: HTMLButtonElement;
  private readonly slider: HTMLInputElement;
  private readonly clock: HTMLElement;
  private readonly play: HTMLButtonElement;
  private readonly stretch: HTMLElement;
  private readonly from: HTMLElement;
  private span: Span = { from: 0, to: 0, days: [] };
  /** A day (ISO date) out of the files; empty = what is in memory. */
  private day = "";

  constructor(
    private readonly app: CityApp,
    private readonly offset_ms: number,
  ) {
    const { dom } = app;
    this.slider = dom.h("input", { label: "past.slider", attributes: { type: "range", min: 0, max: STEPS, step: 1, value: STEPS } });
    this.slider.addEventListener("input", () => this.scrub());
    this.slider.addEventListener("keydown", (event) => this.key(event));
    this.clock = dom.h("output", { class: "past-clock" });
    this.from = dom.h("span", { class: "muted past-from" });
    this.play = dom.iconButton("play", "past.play", () => this.toggle());
    this.stretch = dom.h("span");
    const speed = choice(app, "past.speed", SPEEDS.map((each) => [String(each), `${each}×`]), String(app.past.speed), (value) => (app.past.speed = Number(value)));
    speed.querySelector("span")?.remove();
    this.element = dom.h(
      "div",
      { class: "historybar", label: "past.title", attributes: { role: "group", hidden: true } },
      this.play, speed, this.stretch, this.from, this.slider, this.clock,
      dom.button("past.now", () => this.close(), "button quiet now-live"),
    );
    this.element.removeAttribute("title");
    this.opener = dom.iconButton("history", "past.title", () => void this.open(), { class: "past-open", attributes: { "aria-expanded": "false" } });
    this.opener.hidden = app.manifest?.live_url === null;
    app.on("past", (time) => this.show(time));
    app.i18n.onChange(() => this.show(app.past.time));
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  /** Opens the slider, or leaves the past and closes it. */
  async open(): Promise<void> {
    if (this.shown) return this.close();
    try {
      this.span = await this.app.past.span();
    } catch (error) {
      return this.app.report(error);
    }
    this.element.hidden = false;
    this.opener.setAttribute("aria-expanded", "true");
    this.fillStretch();
    this.show(this.app.past.time);
    this.slider.focus();
  }

  close(): void {
    this.app.past.now();
    this.element.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
  }

  /** First and last instant of the slider. */
  private get ends(): [number, number] {
    if (this.day) {
      const start = Date.parse(`${this.day}T00:00:00Z`);
      return [start, Math.min(start + DAY_MS, this.span.to)];
    }
    return [Math.min(this.span.from, this.span.to - LEAST_MS), this.span.to];
  }

  private fillStretch(): void {
    const { app } = this;
    const options: [string, string][] = [["", app.i18n.t("past.recent")], ...this.span.days.map((day): [string, string] => [day, day])];
    const field = choice(app, "past.stretch", options, this.day, (day) => {
      this.day = day;
      app.past.show(this.ends[0]);
    });
    field.querySelector("span")?.remove();
    field.hidden = options.length < 2;
    this.stretch.replaceChildren(field);
  }

  private scrub(): void {
    const [from, to] = this.ends;
    this.app.past.pause();
    this.app.past.show(Math.round(from + (Number(this.slider.value) / STEPS) * (to - from)));
  }

  /** Arrows go by seconds (Shift: minutes), Page keys by a tenth; Space plays; End is now. */
  private key(event: KeyboardEvent): void {
    const { past } = this.app;
    const [from, to] = this.ends;
    const here = past.time ?? to;
    const second = event.shiftKey ? 60_000 : 1000;
    const steps: Record<string, number> = { ArrowLeft: -second, ArrowDown: -second, ArrowRight: second, ArrowUp: second, PageDown: -(to - from) / 10, PageUp: (to - from) / 10 };
    const step = steps[event.key];
    if (event.key === " ") this.toggle();
    else if (event.key === "End") past.now();
    else if (event.key === "Home") past.show(from);
    else if (step === undefined) return;
    else {
      past.pause();
      if (here + step >= this.span.to && !this.day) past.now();
      else past.show(Math.max(from, Math.min(to, here + step)));
    }
    event.preventDefault();
  }

  private toggle(): void {
    const { past } = this.app;
    if (past.playing) return past.pause();
    if (past.time === null) past.show(this.ends[0]);
    past.play();
  }

  private show(time: number | null): void {
    const { app } = this;
    if (time !== null && !this.shown) void this.open();
    if (!this.shown) return;
    const [from, to] = this.ends;
    const shown = time ?? to;
    this.slider.value = String(Math.round(((shown - from) / Math.max(1, to - from)) * STEPS));
    const text = this.text(shown);
    this.slider.setAttribute("aria-valuetext", text);
    this.clock.textContent = time === null ? app.i18n.t("past.live") : text;
    this.from.textContent = this.text(from).slice(-8);
    this.element.classList.toggle("away", time !== null);
    fillSlider(this.slider);
    const label = app.i18n.t(app.past.playing ? "past.pause" : "past.play");
    this.play.replaceChildren(app.dom.icon(app.past.playing ? "pause" : "play"));
    this.play.setAttribute("aria-label", label);
    this.play.title = label;
    this.play.setAttribute("aria-pressed", String(app.past.playing));
  }

  /** Month and day where it is not today, and the time, by the clocks of the city. */
  private text(time: number): string {
    const local = new Date(time + this.offset_ms).toISOString();
    const today = new Date(Date.now() + this.offset_ms).toISOString().slice(0, 10);
    return `${local.startsWith(today) ? "" : `${local.slice(5, 10)} `}${local.slice(11, 19)}`;
  }
}
