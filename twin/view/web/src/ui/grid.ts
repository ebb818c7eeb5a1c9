/** The views of a comparison: their pictures with a caption each, and the fields that choose what they show. */
import { createEngine } from "../engine";
import type { CityEngine } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import type { Compared, ComparedView } from "./compared";
import { Labels } from "./labels";
import { scenarioTitle } from "./variants";

const PAGE = "*";
/** The names of the views: by their side where there are two, by their number in a grid. */
const SIDES: Key[] = ["compare.left", "compare.right"];

/** One view of the comparison. The first is the page's own, which stays when the comparison ends. */
export class Pane {
  readonly caption: HTMLElement;
  private labels: Labels | null = null;

  private constructor(
    private readonly app: CityApp,
    readonly engine: CityEngine,
    private readonly container: HTMLElement | null,
  ) {
    this.caption = app.dom.h("div", { class: "caption card", attributes: { role: "status" } });
    (container ?? app.shell.view).append(this.caption);
  }

  /** The page's own view. */
  static first(app: CityApp, engine: CityEngine): Pane {
    return new Pane(app, engine, null);
  }

  /** Another view, empty until it is loaded. */
  static another(app: CityApp, antialias: boolean | undefined): Pane {
    const container = app.dom.h("div", { class: "view second" });
    app.shell.stage.append(container);
    try {
      return new Pane(app, createEngine(container, { theme: app.theme, fetch: app.backend.fetch, antialias }), container);
    } catch (error) {
      container.remove();
      throw error;
    }
  }

  /** Brings the city into another view, as the page shows it. */
  async load(): Promise<void> {
    const { app, engine } = this;
    const { manifest } = app;
    if (!manifest || !this.container) return;
    app.listen(engine);
    await engine.load(manifest);
    app.dress(engine);
    this.labels = new Labels(app, engine);
    this.labels.load(manifest);
  }

  dispose(): void {
    this.caption.remove();
    this.labels?.dispose();
    if (!this.container) return;
    this.engine.dispose();
    this.container.remove();
  }

  /** Writes what is seen in it: the scenario, what it changes, and what differs from the page. */
  async describe(view: ComparedView, current: () => boolean): Promise<void> {
    const { app } = this;
    const { dom, i18n } = app;
    const { scenario } = view;
    const title = dom.h("strong", {}, scenarioTitle(app, scenario));
    const own: string[] = [];
    if (view.time) own.push(localTime(app, view.time).replace("T", " "));
    if (view.overlay !== undefined) own.push(overlayTitle(app, view.overlay));
    const notes = own.map((text) => dom.h("small", {}, text));
    this.caption.replaceChildren(title, ...notes);
    if (!scenario) return;
    const geometry = await app.variants.geometry(scenario);
    if (!current()) return;
    const counts = (["added", "removed", "changed"] as const).filter((kind) => geometry[kind] > 0);
    const tags = counts.map((kind) => dom.h("span", { class: `tag ${kind}` }, i18n.t(`compare.${kind}`, { count: geometry[kind] })));
    this.caption.replaceChildren(title, ...tags, ...notes);
  }
}

/** How a view is called. */
export function viewLabel(app: CityApp, { mode }: Compared, place: number): string {
  const side = mode === "grid" ? undefined : SIDES[place];
  return side ? app.i18n.t(side) : app.i18n.t("compare.view", { number: place + 1 });
}

/** The fields of all views. `choose` is told which view is to show what. */
export function viewFields(app: CityApp, compared: Compared, choose: (place: number, patch: Partial<ComparedView>) => void): HTMLElement[] {
  return compared.views.map((view, place) => {
    const name = viewLabel(app, compared, place);
    const change = (patch: Partial<ComparedView>): void => choose(place, patch);
    const more = app.dom.h(
      "details",
      { class: "more own", attributes: { open: view.time !== null || view.overlay !== undefined } },
      app.dom.h("summary", { label: "compare.own" }, app.dom.h("span", { class: "grow", text: "compare.own" }), app.dom.icon("chevron", "icon chevron")),
      overlayField(app, name, view, change),
      timeField(app, name, view, change),
    );
    return app.dom.h("div", { class: "side" }, scenarioField(app, name, view, change), more);
  });
}

type Change = (patch: Partial<ComparedView>) => void;

function scenarioField(app: CityApp, name: string, view: ComparedView, change: Change): HTMLElement {
  const { dom, manifest, i18n } = app;
  const scenarios = (manifest?.scenarios ?? []).map((each) => option(app, each.name, each.title || each.name));
  const select = dom.h("select", { attributes: { "aria-label": name } }, option(app, "", i18n.t("sim.base")), ...scenarios);
  select.value = view.scenario ?? "";
  select.addEventListener("change", () => change({ scenario: select.value || null }));
  return dom.h("label", { class: "field" }, dom.h("span", {}, name), select);
}

function overlayField(app: CityApp, name: string, view: ComparedView, change: Change): HTMLElement {
  const { dom, manifest, i18n } = app;
  const overlays = (manifest?.overlays ?? []).map((each) => option(app, each.name, i18n.title(each.titles, each.name)));
  const label = `${name}: ${i18n.t("compare.overlay")}`;
  const select = dom.h("select", { attributes: { "aria-label": label } }, option(app, PAGE, i18n.t("compare.page")), option(app, "", i18n.t("overlay.none")), ...overlays);
  select.value = view.overlay === undefined ? PAGE : (view.overlay ?? "");
  select.addEventListener("change", () => change({ overlay: select.value === PAGE ? undefined : select.value || null }));
  return dom.h("label", { class: "field" }, dom.h("span", { text: "compare.overlay" }), select);
}

function timeField(app: CityApp, name: string, view: ComparedView, change: Change): HTMLElement {
  const { dom, i18n } = app;
  const label = `${name}: ${i18n.t("compare.time")}`;
  const input = dom.h("input", { attributes: { type: "datetime-local", "aria-label": label } });
  input.value = view.time ? localTime(app, view.time) : "";
  input.addEventListener("change", () => change({ time: instant(app, input.value) }));
  return dom.h("label", { class: "field" }, dom.h("span", { text: "compare.time" }), input);
}

function option(app: CityApp, value: string, text: string): HTMLElement {
  return app.dom.h("option", { attributes: { value } }, text);
}

function overlayTitle(app: CityApp, name: string | null): string {
  if (!name) return app.i18n.t("overlay.none");
  return app.i18n.title(app.manifest?.overlays.find((each) => each.name === name)?.titles, name);
}

function offset_ms(app: CityApp): number {
  const { manifest } = app;
  return (manifest?.utc_offset_h ?? Math.round((manifest?.origin.longitude ?? 0) / 15)) * 3_600_000;
}

/** An instant by the city's clocks, as 2026-06-21T09:30. */
function localTime(app: CityApp, iso: string): string {
  return new Date(Date.parse(iso) + offset_ms(app)).toISOString().slice(0, 16);
}

function instant(app: CityApp, local: string): string | null {
  const time = Date.parse(`${local}:00Z`) - offset_ms(app);
  return Number.isFinite(time) ? new Date(time).toISOString().replace(/\.\d+Z$/, "Z") : null;
}
