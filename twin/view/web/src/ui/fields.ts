/** Form fields that are filled from the view: an area, a list of objects. */
import type { Box6, ParameterSpec } from "../engine/api";
import type { CityApp } from "./app";

type Area = [number, number, number, number];

const RADIUS_M = 150;
const LEAST_HALF_M = 40;
/** Half of what the camera sees in its middle, as a share of its distance. */
const SEEN = 0.42;

/** One field of a form. */
export interface FormField {
  readonly element: HTMLElement;
  /** What stands in it, to carry it over to a new form. */
  raw(): string;
  restore(text: string): void;
  /** undefined = left out. */
  value(): unknown;
  /** What is wrong with it, empty = nothing. */
  problem(): string;
  focus(): void;
}

abstract class FieldOfView<T> implements FormField {
  readonly element: HTMLElement;
  protected current: T | null = null;
  protected readonly summary: HTMLElement;

  constructor(
    protected readonly app: CityApp,
    parameter: ParameterSpec,
  ) {
    const { dom, i18n } = app;
    const name = i18n.title(parameter.titles, parameter.name);
    this.summary = dom.h("strong", { class: "field-summary", attributes: { role: "status" } });
    this.element = dom.h("div", { class: "field", attributes: { role: "group", "aria-label": name, "data-parameter": parameter.name } });
    const clear = dom.iconButton("close", "form.clear", () => this.set(null), { class: "small" });
    const head = dom.h("div", { class: "row" }, dom.h("span", { class: "muted" }, name), dom.h("span", { class: "grow" }), this.summary, clear);
    this.element.append(head, dom.h("div", { class: "row wrap" }, ...this.controls()));
    this.set(null);
  }

  protected abstract controls(): HTMLElement[];
  protected abstract describe(value: T | null): string;

  set(value: T | null): void {
    this.current = value;
    this.summary.textContent = this.describe(value);
    const clear = this.element.querySelector<HTMLElement>(".icon-button");
    if (clear) clear.hidden = value === null;
  }

  raw(): string {
    return this.current === null ? "" : JSON.stringify(this.current);
  }

  restore(text: string): void {
    this.set(text ? (JSON.parse(text) as T) : null);
  }

  value(): unknown {
    return this.current ?? undefined;
  }

  problem(): string {
    return "";
  }

  focus(): void {
    this.element.querySelector("button")?.focus();
  }

  /** Does something with the selected object; says so where there is none. */
  protected async withSelected(action: (handle: number) => Promise<void>): Promise<void> {
    const { app } = this;
    if (app.selected === null) {
      app.notices.show(app.i18n.t("form.select"), "info");
      return;
    }
    await action(app.selected).catch((error: unknown) => app.report(error));
  }
}

/** Local [min x, min y, max x, max y]. */
export class AreaField extends FieldOfView<Area> {
  declare private radius: HTMLInputElement;

  protected controls(): HTMLElement[] {
    const { dom } = this.app;
    this.radius = dom.h("input", { class: "radius", label: "form.radius", attributes: { type: "number", min: 10, max: 5000, step: 10, value: RADIUS_M } });
    return [
      dom.button("form.area.view", () => this.set(this.ofView()), "button quiet small"),
      dom.button("form.area.selected", () => void this.withSelected((handle) => this.around(handle)), "button quiet small"),
      dom.h("span", { class: "row radius-box" }, this.radius, dom.h("span", { class: "unit" }, "m")),
    ];
  }

  protected describe(area: Area | null): string {
    const { i18n } = this.app;
    if (!area) return i18n.t("form.area.all");
    const [x0, y0, x1, y1] = area;
    return `${i18n.number(x1 - x0, 0)} × ${i18n.number(y1 - y0, 0)} m`;
  }

  private ofView(): Area | null {
    const camera = this.app.engine?.camera();
    if (!camera) return null;
    const away = Math.hypot(...camera.position.map((p, i) => p - (camera.target[i] as number)));
    return this.square(camera.target[0], camera.target[1], Math.max(LEAST_HALF_M, away * SEEN));
  }

  private async around(handle: number): Promise<void> {
    const box = await this.app.ask<Box6 | null>("bounds", { handles: [handle] });
    const radius = Number(this.radius.value) || RADIUS_M;
    if (box) this.set(this.square((box[0] + box[3]) / 2, (box[1] + box[4]) / 2, radius));
  }

  private square(x: number, y: number, half: number): Area {
    const round = (value: number): number => Math.round(value * 10) / 10;
    return [round(x - half), round(y - half), round(x + half), round(y + half)];
  }
}

/** Uids of objects. */
export class ObjectsField extends FieldOfView<string[]> {
  protected controls(): HTMLElement[] {
    return [this.app.dom.button("form.objects.add", () => void this.withSelected((handle) => this.add(handle)), "button quiet small")];
  }

  protected describe(uids: string[] | null): string {
    const { i18n } = this.app;
    return uids ? i18n.t("form.objects.count", { count: uids.length }) : i18n.t("form.objects.all");
  }

  private async add(handle: number): Promise<void> {
    const { uid } = await this.app.ask<{ uid: string }>("properties", { handle });
    this.set([...new Set([...(this.current ?? []), uid])]);
  }
}

/** The field for a parameter that is filled from the view, null for any other. */
export function fieldOfView(app: CityApp, parameter: ParameterSpec): FormField | null {
  const { schema } = parameter;
  if (schema.type !== "array") return null;
  const items = schema.items as { type?: string } | undefined;
  if (items?.type === "number" && schema.minItems === 4 && schema.maxItems === 4) return new AreaField(app, parameter);
  if (items?.type === "string" && parameter.name === "uids") return new ObjectsField(app, parameter);
  return null;
}
