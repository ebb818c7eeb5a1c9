/** The panel that colours the city by an attribute: what, in which classes, in which colours. */
import { ExpressionError } from "../backend/expression";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { section } from "./card";
import { type Method, type Ramp, RAMPS, rampColours } from "./classify";
import type { ColumnSpec } from "../backend/messages";
import { choice, numberField } from "./tools/card";
import { STYLE, type Style, styled } from "./styling";

const FIRST: Style = { of: "", expression: false, method: "quantile", classes: 5, ramp: "viridis", reversed: false };
const METHODS: [Method, Key][] = [
  ["quantile", "style.quantile"],
  ["equal", "style.equal"],
  ["jenks", "style.jenks"],
  ["categories", "style.categories"],
];
const RAMP_NAMES: Record<Ramp, Key> = { viridis: "style.viridis", cividis: "style.cividis", diverging: "style.diverging", water: "style.water" };
/** Value of the choice that lets one write an expression. */
const WRITTEN = "=";

export class StylePanel {
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private style: Style;
  private columns: ColumnSpec[] = [];
  /** Number of the last choice: the colours of an earlier one that still waits for its values do not come. */
  private turn = 0;

  constructor(private readonly app: CityApp) {
    this.style = app.state.style ?? FIRST;
    this.body = app.dom.h("div", { class: "style-form" });
    this.element = section(app.dom, { title: "style.title", icon: "filter", open: app.state.style !== null, name: "style" }, this.body);
    this.element.addEventListener("toggle", () => void this.load().catch((error: unknown) => app.report(error)));
    app.i18n.onChange(() => this.show());
  }

  /** Opens the panel and puts the focus into it. */
  focus(): void {
    this.app.shell.showLeft(true);
    this.element.setAttribute("open", "");
    void this.load().then(() => this.body.querySelector("select")?.focus()).catch((error: unknown) => this.app.report(error));
  }

  /** What the address says, when a scene has come. */
  async restore(): Promise<void> {
    this.turn++;
    this.style = this.app.state.style ?? FIRST;
    if (this.element.hasAttribute("open")) this.show();
    if (this.app.state.style) await this.apply(false);
  }

  private async load(): Promise<void> {
    if (this.columns.length === 0) this.columns = await this.app.columns.all();
    this.show();
  }

  private show(): void {
    if (this.columns.length === 0) return;
    const { app, style } = this;
    const { dom, i18n } = app;
    const spec = this.columns.find((column) => column.name === style.of);
    const options: [string, string][] = this.columns.map((column) => [column.name, i18n.title(column.titles, column.name)]);
    const current = style.expression ? WRITTEN : (spec?.name ?? "");
    const graded = style.expression || spec?.type === "number";
    const rows: (HTMLElement | false)[] = [
      choice(app, "style.column", [["", i18n.t("style.choose")], ...options, [WRITTEN, i18n.t("style.expression")]], current, (value) => this.choose(value)),
      style.expression && this.written(),
      graded && choice(app, "style.method", METHODS.map(([value, key]): [string, string] => [value, i18n.t(key)]), style.method, (value) => this.change({ method: value as Method })),
      graded && style.method !== "categories" && numberField(app, "style.classes", style.classes, "", (value) => this.change({ classes: Math.min(12, Math.max(2, Math.round(value))) }), { min: 2, max: 12, step: 1 }),
      graded && style.method !== "categories" && this.ramps(),
      dom.button("style.clear", () => this.clear(), "button quiet small"),
    ];
    this.body.replaceChildren(...rows.filter((row) => row !== false));
  }

  private written(): HTMLElement {
    const { dom, i18n } = this.app;
    const input = dom.h("input", { label: "style.formula", attributes: { type: "text", value: this.style.of, spellcheck: "false", placeholder: "height_m / storeys" } });
    input.removeAttribute("title");
    input.addEventListener("change", () => this.change({ of: input.value.trim() }));
    return dom.h("label", { class: "field" }, dom.h("span", {}, i18n.t("style.formula")), input);
  }

  private ramps(): HTMLElement {
    const { app, style } = this;
    const { dom } = app;
    const buttons = (Object.keys(RAMPS) as Ramp[]).map((ramp) => {
      const button = dom.h("button", { class: "ramp-choice", label: RAMP_NAMES[ramp], attributes: { type: "button", "aria-pressed": String(ramp === style.ramp) } });
      button.style.background = `linear-gradient(90deg, ${rampColours(ramp, 9, style.reversed).join(", ")})`;
      button.addEventListener("click", () => this.change({ ramp }));
      return button;
    });
    const flip = dom.iconButton("flip", "style.reverse", () => this.change({ reversed: !style.reversed }), { class: "small", attributes: { "aria-pressed": String(style.reversed) } });
    return dom.h("div", { class: "row ramp-choices" }, ...buttons, flip);
  }

  private choose(value: string): void {
    const spec = this.columns.find((column) => column.name === value);
    if (value === "") return this.clear();
    if (value === WRITTEN) this.change({ expression: true, of: "" });
    else this.change({ expression: false, of: value, method: spec?.type === "text" ? "categories" : this.style.method === "categories" ? "quantile" : this.style.method });
  }

  private change(patch: Partial<Style>): void {
    this.style = { ...this.style, ...patch };
    this.show();
    if (this.style.of) void this.apply(true);
  }

  private clear(): void {
    this.turn++;
    this.style = FIRST;
    this.show();
    this.app.changed({ style: null });
    if (this.app.state.overlay === STYLE) void this.app.setOverlay(null).catch((error: unknown) => this.app.report(error));
  }

  private async apply(show: boolean): Promise<void> {
    const { app, style } = this;
    const turn = ++this.turn;
    try {
      const made = await styled(app, style);
      if (turn !== this.turn) return;
      app.addOverlay(made.overlay);
      app.painter.apply(made.overlay.id, made.codes);
      app.changed({ style });
      if (show || app.state.overlay === STYLE) await app.setOverlay(STYLE);
    } catch (error) {
      if (error instanceof ExpressionError) app.notices.show(app.i18n.t("error.expression", { token: error.token, at: error.at + 1 }), "error");
      else app.notices.show(error instanceof Error ? error.message : String(error), "error");
    }
  }
}
