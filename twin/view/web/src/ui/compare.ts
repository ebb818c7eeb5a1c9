/** Two scenarios side by side: two views that move as one, one legend, and the figures of both. */
import type { ComparisonResult } from "../backend/messages";
import { createEngine } from "../engine";
import type { CityEngine } from "../engine/api";
import type { CityApp } from "./app";
import { figures, findings, otherFigures } from "./comparison";
import { JobBar } from "./job";
import { Legend } from "./legend";
import { linkCameras } from "./linking";
import { initialOverlay } from "./result";
import { scenarioTitle } from "./variants";

type Side = "left" | "right";
const SIDES: Side[] = ["left", "right"];

export class Comparing {
  readonly element: HTMLElement;
  private readonly selects: Record<Side, HTMLSelectElement>;
  private readonly captions: Record<Side, HTMLElement>;
  private readonly body: HTMLElement;
  private readonly legend: Legend;
  private readonly job: JobBar;
  private readonly hint: HTMLElement;
  private readonly chosen: Record<Side, string | null> = { left: null, right: null };
  private container: HTMLElement | null = null;
  private unlink: (() => void) | null = null;
  private result: ComparisonResult | null = null;
  private shown = "";
  private earlier: string | null | undefined;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const select = (side: Side): HTMLSelectElement => {
      const node = dom.h("select", { label: `compare.${side}` });
      node.addEventListener("change", () => this.choose(side, node.value || null));
      return node;
    };
    this.selects = { left: select("left"), right: select("right") };
    const caption = (): HTMLElement => dom.h("div", { class: "caption card", attributes: { role: "status" } });
    this.captions = { left: caption(), right: caption() };
    this.legend = new Legend(app, "legend-box");
    this.job = new JobBar(app, "compare.run", "play", () => void this.run());
    this.hint = dom.h("p", { class: "hint" });
    this.body = dom.h("div", { class: "compare-body" });
    const head = dom.h(
      "header",
      {},
      dom.icon("compare"),
      dom.h("h2", { class: "grow", text: "compare.title" }),
      dom.iconButton("close", "compare.close", () => this.close(), { class: "small compare-close" }),
    );
    const sides = dom.h("div", { class: "sides" }, ...SIDES.map((side) => dom.h("label", { class: "field" }, dom.h("span", { text: `compare.${side}` }), this.selects[side])));
    this.element = dom.h(
      "aside",
      { class: "compare card", label: "compare.title", attributes: { hidden: true } },
      head,
      dom.h("div", { class: "scroll" }, sides, this.job.element, this.hint, this.body),
    );
    this.element.removeAttribute("title");
    app.i18n.onChange(() => this.refresh());
    app.on("overlay", (overlay) => overlay && this.legend.show(overlay));
  }

  get active(): boolean {
    return this.container !== null;
  }

  /** Splits the view; null = the city as it is. */
  async open(left: string | null, right: string | null): Promise<void> {
    const { app } = this;
    if (!app.engine || !app.manifest) return;
    if (this.active) this.close();
    this.earlier = app.state.overlay;
    this.result = null;
    this.container = app.dom.h("div", { class: "view second" }, this.captions.right);
    app.shell.view.append(this.captions.left);
    app.shell.stage.append(this.container);
    app.shell.split(true);
    this.element.hidden = false;
    this.chosen.left = left;
    this.chosen.right = right;
    this.refresh();
    this.selects.right.focus();
    try {
      await this.start(this.container);
    } catch (error) {
      this.close();
      app.report(error);
    }
  }

  /** Returns to one view; says whether there were two. */
  close(): boolean {
    const { app } = this;
    if (!this.active) return false;
    void this.job.stop();
    this.unlink?.();
    this.unlink = null;
    app.second?.dispose();
    app.second = null;
    this.container?.remove();
    this.container = null;
    this.captions.left.remove();
    this.element.hidden = true;
    this.result = null;
    this.legend.show(null);
    app.shell.split(false);
    const { engine } = app;
    if (!engine || !app.manifest) return true;
    engine.setShadows(app.state.shadows);
    const failed = (error: unknown): void => app.report(error);
    void app.variants.show(engine, app.state.scenario).catch(failed);
    void app.setOverlay(app.state.overlay ?? this.earlier ?? null).catch(failed);
    app.shell.stage.focus();
    return true;
  }

  private async start(container: HTMLElement): Promise<void> {
    const { app } = this;
    const { engine, manifest } = app;
    if (!engine || !manifest) return;
    const second = createEngine(container, { theme: app.theme, fetch: app.backend.fetch, antialias: false });
    app.second = second;
    app.listen(second);
    await second.load(manifest);
    app.dress(second);
    for (const each of [engine, second]) each.setShadows(false);
    this.unlink = linkCameras(engine, second);
    await Promise.all([
      app.painter.paint(second, app.overlay),
      app.variants.show(engine, this.chosen.left),
      app.variants.show(second, this.chosen.right),
    ]);
    this.legend.show(app.overlay);
    await this.captionAll();
  }

  private choose(side: Side, name: string | null): void {
    const { app } = this;
    this.chosen[side] = name;
    const engine = this.engineOf(side);
    this.result = null;
    this.refresh();
    const shown = engine ? app.variants.show(engine, name) : Promise.resolve();
    const overlays = app.engines.map((each) => app.painter.paint(each, app.overlay));
    this.legend.show(app.overlay);
    void Promise.all([shown, ...overlays, this.captionAll()]).catch((error: unknown) => app.report(error));
  }

  private engineOf(side: Side): CityEngine | null {
    return side === "left" ? this.app.engine : this.app.second;
  }

  private async run(): Promise<void> {
    const request = this.app.shell.simulations?.request();
    if (!request) return;
    const { left, right } = this.chosen;
    const params = { name: request.spec.id, inputs: request.inputs, base: left, variant: right };
    const result = await this.job.ask<ComparisonResult>("compare", params);
    if (!result || !this.active || left !== this.chosen.left || right !== this.chosen.right) return;
    this.result = result;
    await this.show(initialOverlay(result.base)?.port ?? "").catch((error: unknown) => this.app.report(error));
  }

  /** Colours each view by its own result; both have the same scale. */
  private async show(port: string): Promise<void> {
    const { app, result } = this;
    if (!result) return;
    this.shown = port;
    const of = (side: Side): ComparisonResult["base"]["overlays"][number] | null =>
      (side === "left" ? result.base : result.variant).overlays.find((overlay) => overlay.port === port) ?? null;
    this.legend.show(of("left") ?? of("right"));
    this.refresh();
    await Promise.all(
      SIDES.map((side) => {
        const engine = this.engineOf(side);
        return engine ? app.painter.paint(engine, of(side)) : Promise.resolve();
      }),
    );
  }

  private refresh(): void {
    const { app } = this;
    const { dom, i18n, manifest } = app;
    if (!manifest || !this.active) return;
    const option = (value: string, text: string): HTMLElement => dom.h("option", { attributes: { value } }, text);
    for (const side of SIDES) {
      const others = manifest.scenarios.map((each) => option(each.name, each.title || each.name));
      this.selects[side].replaceChildren(option("", i18n.t("sim.base")), ...others);
      this.selects[side].value = this.chosen[side] ?? "";
    }
    const spec = app.shell.simulations?.spec;
    this.hint.hidden = this.result !== null || !spec;
    this.job.element.hidden = !spec;
    if (spec) this.hint.textContent = i18n.t("compare.hint", { name: i18n.title(spec.titles, spec.id) });
    this.body.replaceChildren(...this.content());
    void this.captionAll().catch((error: unknown) => app.report(error));
  }

  private content(): HTMLElement[] {
    const { app, result, legend } = this;
    if (!result) return [legend.element];
    return [this.overlays(result), legend.element, figures(app, result), findings(app, result), otherFigures(app, result)];
  }

  private overlays(result: ComparisonResult): HTMLElement {
    const { dom, i18n } = this.app;
    const select = dom.h("select", { label: "compare.show" }, ...result.variant.overlays.map((overlay) => dom.h("option", { attributes: { value: overlay.port } }, i18n.title(overlay.titles, overlay.name))));
    select.value = this.shown;
    select.addEventListener("change", () => void this.show(select.value).catch((error: unknown) => this.app.report(error)));
    return dom.h("label", { class: "field" }, dom.h("span", { text: "compare.show" }), select);
  }

  private async captionAll(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.caption(side)));
  }

  private async caption(side: Side): Promise<void> {
    const { app } = this;
    const { dom, i18n } = app;
    const name = this.chosen[side];
    const title = dom.h("strong", {}, scenarioTitle(app, name));
    this.captions[side].replaceChildren(title);
    if (!name) return;
    const geometry = await app.variants.geometry(name);
    if (this.chosen[side] !== name) return;
    const counts = (["added", "removed", "changed"] as const).filter((kind) => geometry[kind] > 0);
    const tags = counts.map((kind) => dom.h("span", { class: `tag ${kind}` }, i18n.t(`compare.${kind}`, { count: geometry[kind] })));
    this.captions[side].replaceChildren(title, ...tags);
  }
}
