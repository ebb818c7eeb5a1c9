/** Measurements: what is being drawn, what was found, and how each is removed. */
import type { Measurement, MeasureKind } from "../../engine/api";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import { numberField, type Tool, toolCard } from "./card";
import { profileChart } from "./profile";

/** Kinds that stay in the list; the others belong to tools of their own. */
export type ListedKind = Exclude<MeasureKind, "point" | "outline">;

export class MeasureTool implements Tool {
  readonly element: HTMLElement;
  kind: MeasureKind | null = null;
  private done: Measurement[] = [];
  private current: Measurement | null = null;
  private listening = false;
  private take: ((measurement: Measurement) => void) | null = null;
  private readonly body: HTMLElement;

  constructor(private readonly app: CityApp) {
    this.body = app.dom.h("div", { class: "tool-body" });
    this.element = toolCard(app, "measure", "measure.title", () => this.clear(), this.body);
    app.i18n.onChange(() => this.show());
  }

  get open(): boolean {
    return (this.kind !== null && !this.take) || this.done.length > 0;
  }

  /** Measurements that are finished, the newest last. */
  get finished(): readonly Measurement[] {
    return this.done;
  }

  /** Starts a measurement, or ends that kind when it runs already. */
  toggle(kind: ListedKind): void {
    if (this.kind === kind) this.stop();
    else this.begin(kind, null);
  }

  /** Lets the user mark points for another tool, which takes what comes of it. */
  ask(kind: MeasureKind, take: (measurement: Measurement) => void): void {
    this.begin(kind, take);
  }

  stop(): void {
    this.kind = null;
    this.take = null;
    this.current = null;
    this.app.engine?.stopMeasure();
    this.update();
  }

  /** Keys while points are set; says whether the key was one of them. */
  press(key: string): boolean {
    if (!this.kind) return false;
    const { engine } = this.app;
    const acts: Record<string, () => Promise<void> | undefined> = { " ": () => engine?.measureHere(), Enter: () => engine?.endMeasure(), Backspace: () => engine?.undoMeasure() };
    const act = acts[key];
    void act?.()?.catch((error: unknown) => this.app.report(error));
    return act !== undefined;
  }

  escape(): boolean {
    if (!this.kind) return false;
    this.stop();
    return true;
  }

  reset(): void {
    this.clear();
  }

  private begin(kind: MeasureKind, take: ((measurement: Measurement) => void) | null): void {
    this.listen();
    this.app.shell.tools.draw.stop();
    if (this.kind) this.app.engine?.stopMeasure();
    this.kind = kind;
    this.take = take;
    this.current = null;
    this.app.engine?.startMeasure(kind);
    this.update();
  }

  private listen(): void {
    if (this.listening || !this.app.engine) return;
    this.listening = true;
    this.app.engine.on("measure", (measurement) => this.receive(measurement));
  }

  private receive(measurement: Measurement | null): void {
    this.current = measurement?.done ? null : measurement;
    if (measurement?.done) {
      const { take } = this;
      if (take) {
        this.stop();
        take(measurement);
        return;
      }
      const place = this.done.findIndex((each) => each.id === measurement.id);
      if (place < 0) this.done.push(measurement);
      else this.done[place] = measurement;
      this.app.backend.emit("measure", measurement);
    }
    this.update();
  }

  private update(): void {
    this.app.shell.app.classList.toggle("measuring", this.kind !== null);
    this.show();
    this.app.fire("tools", null);
  }

  private clear(): void {
    this.done = [];
    this.app.engine?.clearMeasures();
    this.stop();
  }

  private remove(id: number): void {
    this.done = this.done.filter((each) => each.id !== id);
    this.app.engine?.removeMeasure(id);
    this.update();
  }

  private show(): void {
    const { dom } = this.app;
    const rows = [...this.done, ...(this.current && !this.take ? [this.current] : [])].map((each) => this.row(each));
    const hint = this.kind && !this.take ? dom.h("p", { class: "hint", text: `measure.hint.${this.kind as ListedKind}` }) : null;
    this.body.replaceChildren(
      ...[hint, this.kind && dom.h("p", { class: "hint", text: "measure.keys" }), dom.h("ol", { class: "measurements" }, ...rows)].filter((node) => node !== null),
      ...(this.done.length ? [dom.button("measure.clear", () => this.clear(), "button quiet")] : []),
    );
  }

  private row(each: Measurement): HTMLElement {
    const { app } = this;
    const { dom, i18n } = app;
    const name = i18n.t(`measure.${each.kind as ListedKind}` as Key);
    const remove = each.done ? dom.iconButton("close", "measure.remove", () => this.remove(each.id), { class: "small", variables: { name } }) : dom.h("span");
    const base = each.volume && numberField(app, "measure.base", each.volume.base_m, "m", (value) => app.engine?.setMeasureBase(each.id, value));
    return dom.h(
      "li",
      { attributes: { "data-kind": each.kind } },
      dom.h("span", {}, name),
      dom.h("strong", {}, valueOf(app, each)),
      remove,
      dom.h("small", {}, details(app, each)),
      base,
      each.profile && profileChart(app, each.profile),
    );
  }
}

function valueOf(app: CityApp, each: Measurement): string {
  const { i18n } = app;
  if (each.kind === "area") return i18n.squareMetres(each.value);
  if (each.kind === "volume") return each.done ? i18n.cubicMetres(each.value) : i18n.squareMetres(each.value);
  if (each.kind === "angle") return `${i18n.number(each.value, 1)}°`;
  if (each.sight) return i18n.t(each.sight.clear ? "sight.clear" : "sight.blocked");
  return i18n.metres(each.value);
}

function details(app: CityApp, each: Measurement): string {
  const { i18n } = app;
  const plan = i18n.t("measure.horizontal", { value: i18n.metres(each.horizontal) });
  if (each.kind === "area") return i18n.t("measure.plan", { value: i18n.squareMetres(each.horizontal) });
  if (each.kind === "angle") return i18n.t("measure.horizontal", { value: `${i18n.number(each.horizontal, 1)}°` });
  if (each.volume) {
    const { low_m, high_m, below_m3 } = each.volume;
    const below = below_m3 > 0.5 ? ` · ${i18n.t("measure.below", { value: i18n.cubicMetres(below_m3) })}` : "";
    return `${i18n.t("measure.plan", { value: i18n.squareMetres(each.horizontal) })} · ${i18n.t("measure.heights", { low: i18n.number(low_m, 1), high: i18n.number(high_m, 1) })}${below}`;
  }
  if (each.sight) return each.sight.clear ? plan : i18n.t("sight.after", { value: i18n.metres(each.value) });
  return [plan, i18n.t("measure.vertical", { value: i18n.metres(each.vertical) })].join(" · ");
}
