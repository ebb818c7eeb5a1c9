/** Date and hour of the sun, in the city's own time; and the state of the live data. */
import type { FeedStatus } from "../backend/messages";
import type { Link, LiveStatus } from "../backend/live";
import type { SceneManifest } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { HistoryBar } from "./historybar";
import { fillSlider } from "./shell";

const DAY_MIN = 1440;
const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;
const TICK_MS = 100;
const STEP_MIN = 4;

export class TimeBar {
  readonly element: HTMLElement;
  readonly history: HistoryBar;
  private readonly date: HTMLInputElement;
  private readonly year: HTMLInputElement;
  private readonly slider: HTMLInputElement;
  private readonly clock: HTMLElement;
  private readonly sun: HTMLElement;
  private readonly play: HTMLButtonElement;
  private readonly chip: HTMLButtonElement;
  private readonly feeds: HTMLElement;
  private timer: ReturnType<typeof setInterval> | undefined;
  private link: Link = "off";
  private status: LiveStatus | null = null;
  private readonly offset_ms: number;

  constructor(
    private readonly app: CityApp,
    manifest: SceneManifest,
  ) {
    const { dom } = app;
    this.offset_ms = (manifest.utc_offset_h ?? Math.round(manifest.origin.longitude / 15)) * 3_600_000;
    this.date = dom.h("input", { label: "time.date", attributes: { type: "date", required: true } });
    this.year = dom.h("input", { class: "year", label: "time.year", attributes: { type: "range", min: 0, max: YEAR_DAYS - 1, step: 1 } });
    this.slider = dom.h("input", { label: "time.hour", attributes: { type: "range", min: 0, max: DAY_MIN - 1, step: 1 } });
    this.clock = dom.h("output", { class: "clock" });
    this.sun = dom.h("span", { class: "sun" }, dom.icon("sun"));
    this.play = dom.iconButton("play", "time.play", () => this.toggle());
    this.feeds = dom.h("div", { class: "feeds card", label: "live.feeds", attributes: { hidden: true, role: "region" } });
    this.feeds.removeAttribute("title");
    this.chip = dom.h("button", { class: "chip off", label: "live.title", attributes: { type: "button", "aria-expanded": "false" } });
    this.chip.addEventListener("click", () => this.showFeeds(this.feeds.hidden));
    this.history = new HistoryBar(app, this.offset_ms);
    this.element = dom.h(
      "section",
      { class: "timebar card", label: "time.title", attributes: { role: "group" } },
      this.sun, this.date, this.year, this.play, this.slider, this.clock,
      dom.button("time.now", () => this.set(Date.now()), "button quiet now"),
      dom.h("span", { class: "divider" }),
      this.history.opener,
      this.chip,
      this.feeds,
      this.history.element,
    );
    this.element.removeAttribute("title");
    this.date.addEventListener("change", () => this.read());
    this.slider.addEventListener("input", () => this.read());
    this.year.addEventListener("input", () => {
      const first = Date.parse(`${this.date.value.slice(0, 4)}-01-01T00:00:00Z`);
      this.date.value = new Date(first + Number(this.year.value) * DAY_MS).toISOString().slice(0, 10);
      this.read();
    });
    app.on("time", (iso) => this.show(Date.parse(iso)));
    app.on("link", (link) => this.setLink(link));
    app.on("live", (status) => this.setStatus(status));
    app.on("past", () => this.showChip());
    app.i18n.onChange(() => this.refresh());
    this.show(Date.parse(app.state.time ?? manifest.time));
    this.chip.hidden = manifest.live_url === null;
    this.showChip();
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private refresh(): void {
    this.show(Date.parse(this.app.state.time ?? this.app.manifest?.time ?? ""));
    this.showChip();
  }

  private read(): void {
    const day = Date.parse(`${this.date.value}T00:00:00Z`);
    if (Number.isFinite(day)) this.set(day + Number(this.slider.value) * 60_000 - this.offset_ms);
  }

  private set(time_ms: number): void {
    this.app.setTime(new Date(time_ms).toISOString().replace(/\.\d+Z$/, "Z"));
  }

  private show(time_ms: number): void {
    if (!Number.isFinite(time_ms)) return;
    const local = new Date(time_ms + this.offset_ms).toISOString();
    this.date.value = local.slice(0, 10);
    this.year.value = String(Math.round((Date.parse(`${local.slice(0, 10)}T00:00:00Z`) - Date.parse(`${local.slice(0, 4)}-01-01T00:00:00Z`)) / DAY_MS));
    this.year.setAttribute("aria-valuetext", local.slice(0, 10));
    fillSlider(this.year);
    this.clock.textContent = local.slice(11, 16);
    const minutes = Number(local.slice(11, 13)) * 60 + Number(local.slice(14, 16));
    this.slider.value = String(minutes);
    this.slider.setAttribute("aria-valuetext", local.slice(11, 16));
    fillSlider(this.slider);
    const sun = this.app.engine?.sun();
    if (!sun || !this.app.ready) return;
    const up = sun.elevation_deg > 0;
    this.sun.replaceChildren(this.app.dom.icon(up ? "sun" : "moon"));
    this.sun.title = up
      ? this.app.i18n.t("time.sun", { elevation: sun.elevation_deg.toFixed(0), azimuth: sun.azimuth_deg.toFixed(0) })
      : this.app.i18n.t("time.night");
  }

  private toggle(): void {
    const playing = this.timer === undefined;
    clearInterval(this.timer);
    this.timer = playing ? setInterval(() => this.step(), TICK_MS) : undefined;
    this.play.replaceChildren(this.app.dom.icon(playing ? "pause" : "play"));
    const label = this.app.i18n.t(playing ? "time.pause" : "time.play");
    this.play.setAttribute("aria-label", label);
    this.play.title = label;
    this.play.setAttribute("aria-pressed", String(playing));
  }

  private step(): void {
    this.slider.value = String((Number(this.slider.value) + STEP_MIN) % DAY_MIN);
    this.read();
  }

  private setLink(link: Link): void {
    this.link = link;
    this.showChip();
  }

  private setStatus(status: LiveStatus): void {
    this.status = status;
    this.showChip();
    if (!this.feeds.hidden) this.showFeeds(true);
  }

  private chipState(): [string, Key] {
    if (this.link === "off") return ["off", "live.off"];
    if (this.link === "lost") return ["down", "live.lost"];
    if (this.link === "connecting" || !this.status) return ["old", "live.connecting"];
    const states = this.status.feeds.map((feed) => feed.state);
    if (this.app.past.active) return ["replay", "past.chip"];
    if (!states.length) return ["off", "live.off"];
    if (states.includes("down")) return ["down", "live.down"];
    if (this.status.replay) return ["replay", "live.replay"];
    return states.includes("old") ? ["old", "live.old"] : ["up", "live.up"];
  }

  private showChip(): void {
    const { dom, i18n } = this.app;
    const [state, key] = this.chipState();
    this.chip.className = `chip ${state}`;
    const text = i18n.t(key, { speed: this.status?.speed ?? 1 });
    this.chip.replaceChildren(dom.h("span", { class: "dot" }), dom.h("span", { class: "chip-text" }, text));
    this.chip.setAttribute("aria-label", `${i18n.t("live.title")}: ${text}`);
  }

  private showFeeds(shown: boolean): void {
    const { dom, i18n } = this.app;
    this.feeds.hidden = !shown;
    this.chip.setAttribute("aria-expanded", String(shown));
    const rows = (this.status?.feeds ?? []).map((feed: FeedStatus) =>
      dom.h(
        "li",
        { class: `chip ${feed.state}` },
        dom.h("span", { class: "dot" }),
        dom.h("strong", {}, feed.name),
        dom.h("span", { class: "grow" }, i18n.title(feed.messages, feed.message)),
        dom.h("small", {}, feed.age_s === null ? "" : age(i18n.t.bind(i18n), feed.age_s)),
      ),
    );
    this.feeds.replaceChildren(
      dom.h("strong", {}, i18n.t("live.feeds")),
      dom.h("ul", {}, ...(rows.length ? rows : [dom.h("li", { class: "hint" }, i18n.t("live.off"))])),
    );
  }
}

/** "5 min ago" and the like. */
export function age(t: (key: Key, variables: Record<string, number>) => string, seconds: number): string {
  if (seconds < 5) return t("stream.age.now", {});
  if (seconds < 120) return t("stream.age.s", { n: Math.round(seconds) });
  if (seconds < 7200) return t("stream.age.min", { n: Math.round(seconds / 60) });
  if (seconds < 172_800) return t("stream.age.h", { n: Math.round(seconds / 3600) });
  return t("stream.age.d", { n: Math.round(seconds / 86_400) });
}
