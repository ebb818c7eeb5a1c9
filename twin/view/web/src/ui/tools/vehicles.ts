/** What moves: shown or not, coloured by kind, speed or code; one chosen, with its card, and followed. */
import { KIND_COLOURS, SPEED_MOST_M_S, VEHICLE_KINDS, type VehicleColours } from "../../engine/picture_api";
import { PICTURE_RAMPS } from "../../engine/ramp";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import { age } from "../timebar";
import type { VehicleFacts } from "../moving";
import { segments, type Tool, toolCard } from "./card";

const NEAREST = 6;
const KMH = 3.6;
const REFRESH_MS = 500;

export class VehiclesTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly count: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly search: HTMLInputElement;
  private readonly hits: HTMLElement;
  private readonly card: HTMLElement;
  private readonly ways: HTMLElement;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.count = dom.h("p", { class: "hint", attributes: { role: "status" } });
    this.legend = dom.h("div", { class: "vehicles-legend" });
    this.search = dom.h("input", { label: "vehicles.search", attributes: { type: "search", autocomplete: "off", spellcheck: "false" } });
    app.i18n.bind(this.search, (node) => (node.placeholder = app.i18n.t("vehicles.search")));
    this.search.addEventListener("input", () => void this.find());
    this.hits = dom.h("ul", { class: "vehicles-hits", label: "vehicles.list" });
    this.hits.removeAttribute("title");
    this.card = dom.h("div", { class: "vehicle-card", attributes: { hidden: true } });
    this.ways = segments<VehicleColours | "none">(
      app, "vehicles.colours",
      [["kind", "vehicles.kind"], ["speed", "vehicles.speed"], ["code", "vehicles.code"], ["none", "vehicles.none"]],
      app.state.vehicles, (by) => app.moving.setColours(by),
    );
    this.element = toolCard(app, "vehicles", "vehicles.title", () => this.toggle(), this.card, this.ways, this.legend, this.search, this.hits, this.count);
    app.on("vehicles", () => this.later());
    app.i18n.onChange(() => this.refresh());
  }

  toggle(): void {
    this.open = !this.open;
    this.app.fire("tools", null);
    if (!this.open) return;
    this.refresh();
    void this.find();
    this.search.focus();
  }

  /** Opens it without taking the focus. */
  show(): void {
    this.open = true;
    this.app.fire("tools", null);
    this.refresh();
    void this.find();
  }

  escape(): boolean {
    const { moving } = this.app;
    if (moving.followed !== null) moving.follow(null);
    else if (this.open) {
      this.open = false;
      moving.select(null);
      this.app.fire("tools", null);
    } else return false;
    return true;
  }

  reset(): void {
    this.open = false;
    clearTimeout(this.waiting);
    this.waiting = undefined;
  }

  /** Reports come often; what they change here is written down now and then. */
  private later(): void {
    if (!this.open || this.waiting !== undefined) return;
    this.refreshCard();
    this.waiting = setTimeout(() => {
      this.waiting = undefined;
      this.refresh();
    }, REFRESH_MS);
  }

  private refresh(): void {
    if (!this.open) return;
    const { app } = this;
    const { i18n, state } = app;
    for (const [place, each] of (["kind", "speed", "code", "none"] as const).entries()) this.ways.children[place]?.setAttribute("aria-pressed", String(each === state.vehicles));
    this.count.textContent = app.moving.count ? i18n.t("vehicles.count", { count: i18n.number(app.moving.count, 0) }) : i18n.t("vehicles.empty");
    this.fillLegend();
    this.refreshCard();
  }

  private fillLegend(): void {
    const { dom, i18n, state } = this.app;
    if (state.vehicles === "kind") {
      const entries = VEHICLE_KINDS.map((kind, code) => {
        const swatch = dom.h("span", { class: "swatch" });
        swatch.style.background = KIND_COLOURS[code] as string;
        return dom.h("li", {}, swatch, i18n.t(`vehicle.${kind}` as Key));
      });
      this.legend.replaceChildren(dom.h("ul", { class: "classes" }, ...entries));
      return;
    }
    if (state.vehicles === "none") return this.legend.replaceChildren();
    const bar = dom.h("div", { class: "ramp" });
    bar.style.background = `linear-gradient(90deg, ${PICTURE_RAMPS.viridis.join(", ")})`;
    const ends = state.vehicles === "speed" ? ["0", `${i18n.number(SPEED_MOST_M_S * KMH, 0)} km/h`] : ["1", "250"];
    this.legend.replaceChildren(dom.h("div", { class: "ramp-box" }, bar, dom.h("div", { class: "ticks" }, ...ends.map((end) => dom.h("span", {}, end)))));
  }

  private refreshCard(): void {
    const { app } = this;
    const { dom, i18n, moving } = app;
    const state = moving.selected === null ? null : moving.state(moving.selected);
    this.card.hidden = state === null;
    if (!state) return;
    const followed = moving.followed === state.number;
    const focused = (this.card.getRootNode() as ShadowRoot).activeElement;
    const again = focused instanceof HTMLElement && this.card.contains(focused);
    const now = app.past.time ?? Date.now();
    const rows: [Key, string][] = [
      ["vehicles.kind", i18n.t(`vehicle.${state.kind}` as Key)],
      ["vehicles.speed", state.speed_m_s === null ? "–" : `${i18n.number(state.speed_m_s * KMH, 0)} km/h`],
      ["vehicles.heading", `${i18n.number(state.heading_deg, 0)}°`],
      ["vehicles.report", age(i18n.t.bind(i18n), Math.max(0, (now - state.time) / 1000))],
    ];
    const follow = dom.button(followed ? "vehicles.unfollow" : "vehicles.follow", () => moving.follow(followed ? null : state.number), "button primary", "target");
    this.card.replaceChildren(
      dom.h("strong", {}, moving.facts?.id ?? `#${state.number}`),
      dom.h("dl", {}, ...rows.flatMap(([key, text]) => [dom.h("dt", { text: key }), dom.h("dd", {}, text)])),
      follow,
    );
    if (again) follow.focus();
  }

  /** What was looked for, or what is nearest to the middle of the view. */
  private async find(): Promise<void> {
    const { app } = this;
    const text = this.search.value.trim();
    try {
      const found = text
        ? await app.ask<VehicleFacts[]>("vehicles", { text, limit: NEAREST })
        : await Promise.all((app.engine?.pictures.vehiclesNear(app.engine.camera().target, NEAREST) ?? []).map((number) => app.ask<VehicleFacts>("vehicle", { number })));
      if (text === this.search.value.trim()) this.hits.replaceChildren(...found.map((facts) => this.hit(facts)));
    } catch (error) {
      app.report(error);
    }
  }

  private hit(facts: VehicleFacts): HTMLElement {
    const { app } = this;
    const { dom, i18n } = app;
    const button = dom.h("button", { class: "button quiet small", attributes: { type: "button" } }, facts.id, dom.h("small", { class: "muted" }, i18n.t(`vehicle.${facts.kind}` as Key)));
    button.addEventListener("click", () => {
      app.moving.select(facts.number);
      const state = app.moving.state(facts.number);
      if (!state || !app.engine) return;
      const [x, y, z] = state.point;
      app.engine.flyTo([x - 40, y - 40, z, x + 40, y + 40, z + 10], 0.8);
    });
    return dom.h("li", {}, button);
  }
}
