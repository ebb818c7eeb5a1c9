/** Scenarios, times and overlays against each other: views that move as one, and the figures of two scenarios. */
import type { ComparisonResult } from "../backend/messages";
import type { CityEngine, OverlaySpec } from "../engine/api";
import type { CityApp } from "./app";
import { type Compared, type ComparedView, type CompareMode, MODES, MOST_VIEWS, viewOf } from "./compared";
import { figures, findings, otherFigures } from "./comparison";
import { Pane, viewFields, viewLabel } from "./grid";
import { JobBar } from "./job";
import { legendsOf } from "./legend";
import { linkCameras } from "./linking";
import { initialOverlay } from "./result";
import { Divider } from "./swipe";
import { segments } from "./tools/card";

export class Comparing {
  readonly element: HTMLElement;
  private readonly modes: HTMLElement;
  private readonly sides: HTMLElement;
  private readonly body: HTMLElement;
  private readonly legends: HTMLElement;
  private readonly job: JobBar;
  private readonly hint: HTMLElement;
  private readonly fewer: HTMLButtonElement;
  private readonly more: HTMLButtonElement;
  private compared: Compared | null = null;
  private panes: Pane[] = [];
  private divider: Divider | null = null;
  private unlink: (() => void) | null = null;
  private result: ComparisonResult | null = null;
  /** Port of the result that the views are coloured by; null = their own overlays. */
  private port: string | null = null;
  private earlier: string | null | undefined;
  /** One begins after the other, so that none finds half of another's views. */
  private work: Promise<void> = Promise.resolve();

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.job = new JobBar(app, "compare.run", "play", () => void this.run());
    this.hint = dom.h("p", { class: "hint" });
    this.modes = dom.h("div", { class: "modes" });
    this.sides = dom.h("div", { class: "sides" });
    this.legends = dom.h("div", { class: "legends" });
    this.body = dom.h("div", { class: "compare-body" });
    this.fewer = dom.button("compare.fewer", () => this.resize(-1), "button quiet small", "minus");
    this.more = dom.button("compare.more.view", () => this.resize(1), "button quiet small", "plus");
    const head = dom.h(
      "header",
      {},
      dom.icon("compare"),
      dom.h("h2", { class: "grow", text: "compare.title" }),
      dom.iconButton("close", "compare.close", () => this.close(), { class: "small compare-close" }),
    );
    this.element = dom.h(
      "aside",
      { class: "compare card", label: "compare.title", attributes: { hidden: true } },
      head,
      dom.h("div", { class: "scroll" }, this.modes, this.sides, dom.h("div", { class: "row" }, this.fewer, this.more), this.job.element, this.hint, this.body),
    );
    this.element.removeAttribute("title");
    app.i18n.onChange(() => this.refresh());
    app.on("overlay", () => this.follow());
    app.on("overlays", () => this.refresh());
    app.on("time", (iso) => this.light(iso));
  }

  get active(): boolean {
    return this.compared !== null;
  }

  /** How is compared; null = it is not. */
  get mode(): CompareMode | null {
    return this.compared?.mode ?? null;
  }

  /** Compares two scenarios as the page compares at the moment, side by side at first; null = the city as it is. */
  open(left: string | null, right: string | null): Promise<void> {
    const mode = this.compared?.mode === "swipe" ? "swipe" : "pair";
    return this.show({ mode, divider: this.compared?.divider ?? 0.5, views: [viewOf(left), viewOf(right)] });
  }

  /** Opens a comparison of the city as it is with a scenario, turns an open one into another kind, or ends it. */
  toggle(mode: CompareMode): unknown {
    if (this.mode === mode) return this.close();
    if (this.active) return this.setMode(mode);
    const { state, manifest } = this.app;
    const right = state.scenario ?? manifest?.scenarios[0]?.name ?? null;
    return this.show({ mode, divider: 0.5, views: [viewOf(null), viewOf(right)] });
  }

  /** Shows a comparison, whatever was shown before; null ends it. */
  show(compared: Compared | null): Promise<void> {
    this.work = this.work.then(() => (compared ? this.start(compared) : void this.close())).catch((error: unknown) => {
      this.close();
      this.app.report(error);
    });
    return this.work;
  }

  /** The overlay that one of the page's views shows. */
  overlayOf(engine: CityEngine): OverlaySpec | null {
    const { app, result, port } = this;
    const place = this.panes.findIndex((pane) => pane.engine === engine);
    if (result && port !== null && place >= 0) return (place === 0 ? result.base : result.variant).overlays.find((each) => each.port === port) ?? null;
    const own = this.compared?.views[place]?.overlay;
    return own === undefined ? app.overlay : (app.manifest?.overlays.find((each) => each.name === own) ?? null);
  }

  /** Returns to one view; says whether there were several. */
  close(): boolean {
    const { app } = this;
    if (!this.active) return false;
    this.compared = null;
    void this.job.stop();
    this.clear();
    this.element.hidden = true;
    this.result = this.port = null;
    app.shell.split(null);
    app.changed({ compare: null });
    app.fire("tools", null);
    const { engine } = app;
    if (!engine || !app.manifest) return true;
    engine.setTime(app.state.time ?? app.manifest.time);
    const failed = (error: unknown): void => app.report(error);
    void app.variants.show(engine, app.state.scenario).catch(failed);
    void app.setOverlay(app.state.overlay ?? this.earlier ?? null).catch(failed);
    app.shell.stage.focus();
    return true;
  }

  /** Makes the views that a comparison needs, keeping those that are there. */
  private async start(compared: Compared): Promise<void> {
    const { app } = this;
    const { engine, manifest } = app;
    if (!engine || !manifest) return;
    if (!this.active) this.earlier = app.state.overlay;
    const known = (name: string | null): string | null => (manifest.scenarios.some((each) => each.name === name) ? name : null);
    this.compared = { ...compared, views: compared.views.map((view) => ({ ...view, scenario: known(view.scenario) })) };
    this.result = this.port = null;
    this.element.hidden = false;
    app.shell.split(compared.mode, compared.views.length);
    app.changed({ compare: this.compared });
    app.fire("tools", null);
    await this.arrange();
    this.refresh();
    this.sides.querySelector("select")?.focus();
    await this.fill();
  }

  /** As many views as there are to compare, linked; with a divider where two lie upon each other. */
  private async arrange(): Promise<void> {
    const { app, compared } = this;
    if (!compared || !app.engine) return;
    const { mode, views } = compared;
    this.unlink?.();
    this.panes[0] ??= Pane.first(app, app.engine);
    while (this.panes.length > views.length) this.panes.pop()?.dispose();
    const fresh: Pane[] = [];
    while (this.panes.length < views.length) {
      const pane = Pane.another(app, mode === "grid" ? false : undefined);
      this.panes.push(pane);
      fresh.push(pane);
    }
    app.others = this.panes.slice(1).map((pane) => pane.engine);
    this.divider?.element.remove();
    this.divider = mode === "swipe" ? new Divider(app, app.shell.stage, compared.divider, (place) => this.slide(place)) : null;
    if (this.divider) app.shell.stage.append(this.divider.element);
    await Promise.all(fresh.map((pane) => pane.load()));
    if (!this.active) return;
    this.unlink = linkCameras(this.panes.map((pane) => pane.engine));
  }

  /** Draws views anew whose scenarios are edited; those of a scenario that is gone show the city as it is. */
  async redraw(scenarios: string[]): Promise<void> {
    const { app, compared } = this;
    if (!compared) return;
    const there = (name: string | null): string | null => (app.manifest?.scenarios.some((each) => each.name === name) ? name : null);
    const touched = compared.views.filter(({ scenario }) => scenario !== null && scenarios.includes(scenario));
    if (touched.length > 0) {
      this.change({ views: compared.views.map((view) => (touched.includes(view) ? { ...view, scenario: there(view.scenario) } : view)) });
      this.result = this.port = null;
    }
    this.refresh();
    if (touched.length > 0) await this.fill();
  }

  private clear(): void {
    this.unlink?.();
    this.unlink = null;
    this.divider?.element.remove();
    this.divider = null;
    this.app.others = [];
    for (const pane of this.panes) pane.dispose();
    this.panes = [];
  }

  /** Scenario, light and colours of every view. */
  private async fill(): Promise<void> {
    const { app, compared } = this;
    if (!compared) return;
    this.light();
    app.subscribe();
    await Promise.all([
      ...this.panes.map(({ engine }, place) => app.variants.show(engine, compared.views[place]?.scenario ?? null)),
      this.colour(),
      this.describe(),
    ]);
  }

  private async colour(): Promise<void> {
    this.showLegends();
    await Promise.all(this.panes.map(({ engine }) => this.app.painter.paint(engine, this.overlayOf(engine))));
  }

  private light(page = this.app.state.time ?? this.app.manifest?.time ?? ""): void {
    const { compared } = this;
    if (!compared) return;
    this.panes.forEach(({ engine }, place) => engine.setTime(compared.views[place]?.time ?? page));
  }

  private async describe(): Promise<void> {
    const { compared } = this;
    await Promise.all(
      this.panes.map(async (pane, place) => {
        const view = compared?.views[place];
        if (view) await pane.describe(view, () => this.compared?.views[place] === view);
      }),
    );
  }

  private change(patch: Partial<Compared>): void {
    if (!this.compared) return;
    this.compared = { ...this.compared, ...patch };
    this.app.changed({ compare: this.compared });
  }

  private slide(divider: number): void {
    this.change({ divider });
  }

  private choose(place: number, patch: Partial<ComparedView>): void {
    const { compared, app } = this;
    if (!compared) return;
    this.change({ views: compared.views.map((each, i) => (i === place ? { ...each, ...patch } : each)) });
    this.result = this.port = null;
    this.refreshResult();
    void this.fill().catch((error: unknown) => app.report(error));
  }

  private setMode(mode: CompareMode): void {
    const { compared } = this;
    if (!compared || mode === compared.mode) return;
    const views = mode === "grid" ? compared.views : compared.views.slice(0, 2);
    void this.show({ ...compared, mode, views });
  }

  private resize(by: number): void {
    const { compared } = this;
    if (!compared) return;
    const { views } = compared;
    const last = views[views.length - 1] ?? viewOf(null);
    void this.show({ ...compared, views: by > 0 ? [...views, { ...last }] : views.slice(0, -1) });
  }

  private async run(): Promise<void> {
    const request = this.app.shell.simulations?.request();
    const { compared } = this;
    const [left, right] = compared?.views ?? [];
    if (!request || !left || !right) return;
    const params = { name: request.spec.id, inputs: request.inputs, base: left.scenario, variant: right.scenario };
    const result = await this.job.ask<ComparisonResult>("compare", params);
    if (!result || compared?.views !== this.compared?.views) return;
    this.result = result;
    await this.colourBy(initialOverlay(result.base)?.port ?? "").catch((error: unknown) => this.app.report(error));
  }

  /** Colours each view by its own result; both have the same scale. */
  private async colourBy(port: string): Promise<void> {
    this.port = port;
    this.refresh();
    await this.colour();
  }

  /** The page shows another overlay: so do the views without one of their own. */
  private follow(): void {
    if (!this.active) return;
    this.port = null;
    this.showLegends();
  }

  private refresh(): void {
    const { app, compared } = this;
    if (!app.manifest || !compared) return;
    this.modes.replaceChildren(segments(app, "compare.mode", MODES.map((mode) => [mode, `compare.${mode}`]), compared.mode, (mode) => this.setMode(mode)));
    this.sides.replaceChildren(...viewFields(app, compared, (place, patch) => this.choose(place, patch)));
    this.refreshResult();
  }

  /** All but the fields, which somebody may be typing in. */
  private refreshResult(): void {
    const { app, compared } = this;
    if (!compared) return;
    const grid = compared.mode === "grid";
    for (const button of [this.fewer, this.more]) button.hidden = !grid;
    this.fewer.disabled = compared.views.length <= 2;
    this.more.disabled = compared.views.length >= MOST_VIEWS;
    const spec = app.shell.simulations?.spec;
    this.hint.hidden = this.result !== null || !spec || grid;
    this.job.element.hidden = !spec || grid;
    if (spec) this.hint.textContent = app.i18n.t("compare.hint", { name: app.i18n.title(spec.titles, spec.id) });
    this.body.replaceChildren(...this.content());
    this.showLegends();
    void this.describe().catch((error: unknown) => app.report(error));
  }

  private content(): HTMLElement[] {
    const { app, result } = this;
    if (!result) return [this.legends];
    return [this.ports(result), this.legends, figures(app, result), findings(app, result), otherFigures(app, result)];
  }

  private showLegends(): void {
    const { app, compared } = this;
    if (!compared) return;
    const shown = this.panes.map(({ engine }, place) => ({ overlay: this.overlayOf(engine), name: viewLabel(app, compared, place) }));
    this.legends.replaceChildren(...legendsOf(app, shown));
  }

  private ports(result: ComparisonResult): HTMLElement {
    const { dom, i18n } = this.app;
    const select = dom.h("select", { label: "compare.show" }, ...result.variant.overlays.map((overlay) => dom.h("option", { attributes: { value: overlay.port } }, i18n.title(overlay.titles, overlay.name))));
    select.value = this.port ?? "";
    select.addEventListener("change", () => void this.colourBy(select.value).catch((error: unknown) => this.app.report(error)));
    return dom.h("label", { class: "field" }, dom.h("span", { text: "compare.show" }), select);
  }
}
