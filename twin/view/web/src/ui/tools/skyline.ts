/** The skyline from a point or of the present view, of the city as it is and of a scenario. */
import type { Skyline, Vec3 } from "../../engine/api";
import type { CityApp } from "../app";
import { scenarioTitle } from "../variants";
import { AskingTool, choice, numberField, toolCard } from "./card";
import { groundOf, type Outline, type Peak, peaksOf, pngFile, skylineChart, skylineCsv, svgFile } from "./skyline_chart";

const EYE_M = 1.6;
const FIELD_OF_VIEW_DEG = 42;
const MOST_NAMED = 8;
/** Objects whose names are asked for at once. */
const ASKED_AT_ONCE = 500;

/** Where from, and which part of the round. */
interface Look {
  eye: Vec3;
  start_deg: number;
  span_deg: number;
}

export class SkylineTool extends AskingTool {
  readonly element: HTMLElement;
  /** What was found last, the city as it is first. */
  outlines: Outline[] = [];
  peaks: Peak[] = [];
  private readonly panel: HTMLElement;
  private readonly picture: HTMLElement;
  private readonly hint: HTMLElement;
  private readonly against: HTMLElement;
  private look: Look | null = null;
  private point: Vec3 | null = null;
  private eye_m = EYE_M;
  private scenario: string | null = null;
  private names = new Map<number, string>();
  /** Counts the looks, so that a slow one does not replace a later one. */
  private turn = 0;

  constructor(app: CityApp) {
    super(app, "point");
    const { dom } = app;
    this.hint = dom.h("p", { class: "hint", text: "skyline.hint" });
    this.against = dom.h("div");
    const eye = numberField(app, "skyline.eye", EYE_M, "m", (value) => {
      this.eye_m = value;
      if (this.point) this.take([this.point]);
    });
    this.element = toolCard(
      app,
      "skyline",
      "skyline.title",
      () => this.close(),
      this.hint,
      eye,
      this.against,
      dom.h("div", { class: "row wrap" }, dom.button("skyline.again", () => this.ask(), "button quiet", "sight"), dom.button("skyline.view", () => this.fromView(), "button quiet", "camera")),
    );
    this.picture = dom.h("div", { class: "skyline-picture" });
    const save = (key: "skyline.svg" | "skyline.png" | "skyline.csv"): HTMLElement => dom.button(key, () => void this.save(key).catch((error: unknown) => app.report(error)), "button quiet small");
    this.panel = dom.h("section", { class: "card skyline-panel", label: "skyline.title" }, this.picture, dom.h("div", { class: "row" }, save("skyline.svg"), save("skyline.png"), save("skyline.csv")));
    this.panel.removeAttribute("title");
  }

  protected take(points: Vec3[]): void {
    this.point = points[0] as Vec3;
    const [x, y, z] = this.point;
    this.look = { eye: [x, y, z + this.eye_m], start_deg: 0, span_deg: 360 };
    this.find();
  }

  protected forget(): void {
    this.turn += 1;
    this.look = this.point = null;
    this.outlines = [];
    this.peaks = [];
    this.panel.remove();
  }

  /** Looks from where the view looks from, as wide as the view is. */
  private fromView(): void {
    const { engine } = this.app;
    if (!engine) return;
    this.app.shell.tools.measure.stop();
    const { clientWidth, clientHeight } = engine.canvas;
    const span_deg = (2 * Math.atan((Math.tan((FIELD_OF_VIEW_DEG * Math.PI) / 360) * clientWidth) / Math.max(1, clientHeight)) * 180) / Math.PI;
    this.point = null;
    this.look = { eye: engine.camera().position, start_deg: engine.heading() - span_deg / 2, span_deg };
    this.find();
  }

  private find(): void {
    void this.compute().catch((error: unknown) => this.app.report(error));
  }

  private async compute(): Promise<void> {
    const { app, look, scenario } = this;
    const { engine } = app;
    if (!engine || !look) return;
    const turn = ++this.turn;
    // Another version of the city may have given handles to other objects.
    this.names.clear();
    const found: Outline[] = [];
    const see = async (kind: Outline["kind"], name: string | null): Promise<void> => {
      await app.variants.show(engine, name);
      if (turn !== this.turn) return;
      const skyline: Skyline = engine.skyline(look.eye, look.start_deg, look.span_deg);
      found.push({ kind, title: scenarioTitle(app, name), skyline });
    };
    try {
      await see("base", null);
      if (scenario) await see("variant", scenario);
    } finally {
      await app.variants.show(engine, app.state.compare?.views[0]?.scenario ?? app.state.scenario);
    }
    if (turn !== this.turn) return;
    this.outlines = found;
    await this.name(found);
    if (turn === this.turn) this.show();
  }

  /** Asks how the highest objects of all lines are called. */
  private async name(outlines: Outline[]): Promise<void> {
    const best = new Map<number, Omit<Peak, "name">>();
    for (const { skyline } of [...outlines].reverse()) for (const peak of peaksOf(skyline, MOST_NAMED, (handle) => this.stands(handle))) best.set(peak.handle, peak);
    const peaks = [...best.values()].sort((a, b) => b.elevation_deg - a.elevation_deg).slice(0, MOST_NAMED);
    await this.learn(peaks.map(({ handle }) => handle));
    this.peaks = peaks.map((peak) => ({ ...peak, name: this.names.get(peak.handle) ?? "" }));
  }

  /** Whether an object stands on the ground, and is not the ground itself. */
  private stands(handle: number): boolean {
    return groundOf(this.app.manifest?.layers ?? [], handle) === null;
  }

  /** What ends a direction: an object by its name, the ground by that of its layer; nothing before the sky. */
  private nameOf(handle: number): string {
    if (handle < 0) return "";
    const ground = groundOf(this.app.manifest?.layers ?? [], handle);
    return ground ? this.app.i18n.title(ground.titles, ground.name) : (this.names.get(handle) ?? String(handle));
  }

  /** Asks for the names of objects that are not known yet. */
  private async learn(handles: number[]): Promise<void> {
    const fresh = [...new Set(handles)].filter((handle) => handle >= 0 && !this.names.has(handle) && this.stands(handle));
    for (let at = 0; at < fresh.length; at += ASKED_AT_ONCE) {
      await Promise.all(fresh.slice(at, at + ASKED_AT_ONCE).map(async (handle) => this.names.set(handle, await this.called(handle))));
    }
  }

  private async called(handle: number): Promise<string> {
    try {
      const { name, uid } = await this.app.ask<{ name?: string; uid?: string }>("properties", { handle });
      return name || uid || String(handle);
    } catch {
      return this.app.i18n.t("skyline.unnamed");
    }
  }

  protected show(): void {
    const { app, outlines } = this;
    const { i18n, manifest } = app;
    const scenarios = manifest?.scenarios ?? [];
    const options: [string, string][] = [["", i18n.t("skyline.alone")], ...scenarios.map((each): [string, string] => [each.name, each.title || each.name])];
    const against = choice(app, "skyline.against", options, this.scenario ?? "", (name) => {
      this.scenario = name || null;
      this.find();
    });
    this.against.replaceChildren(...(scenarios.length ? [against] : []));
    this.hint.hidden = outlines.length > 0;
    if (!outlines.length) return this.panel.remove();
    for (const outline of outlines) outline.title = scenarioTitle(app, outline.kind === "base" ? null : this.scenario);
    this.picture.replaceChildren(skylineChart(app, outlines, this.peaks));
    if (!this.panel.isConnected) app.shell.app.append(this.panel);
  }

  private async save(key: "skyline.svg" | "skyline.png" | "skyline.csv"): Promise<void> {
    const { app, outlines } = this;
    const chart = this.picture.querySelector("svg");
    if (!chart || !outlines.length) return;
    const name = `${app.fileName}-${app.i18n.t("skyline.file")}`;
    if (key === "skyline.svg") app.save(svgFile(chart), `${name}.svg`);
    else if (key === "skyline.png") app.save(await pngFile(chart), `${name}.png`);
    else {
      await this.learn(outlines.flatMap(({ skyline }) => skyline.handles));
      app.save(new Blob([skylineCsv(outlines, (handle) => this.nameOf(handle))], { type: "text/csv" }), `${name}.csv`);
    }
  }
}
