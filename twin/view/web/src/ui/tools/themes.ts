/** Choosing thematic pictures: heat, columns and flows of values; and the list of those that stand. */
import type { ColumnSpec } from "../../backend/messages";
import { PICTURE_RAMPS, type PictureRamp } from "../../engine/ramp";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import type { Standing } from "../themes";
import { SIZES, THEME_KINDS, type ThemeKind, type Theming } from "../theming";
import { choice, segments, slider, type Tool, toolCard } from "./card";

const FIRST: Theming = { kind: "heat", of: "n:", layer: "", ramp: "sun", size: SIZES.heat.first, measure: "density" };
const TICKS = 3;

export class ThemesTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private chosen: Theming = { ...FIRST };
  private columns: ColumnSpec[] = [];
  private readonly form: HTMLElement;
  private readonly list: HTMLElement;
  private readonly answer: HTMLElement;
  /** The table that was chosen, while it is read and then. */
  private file: Promise<{ name: string; text: string }> | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.form = dom.h("div", { class: "themes-form" });
    this.list = dom.h("ul", { class: "themes-list", label: "themes.standing" });
    this.list.removeAttribute("title");
    this.answer = dom.h("p", { class: "hint", attributes: { role: "status" } });
    const kinds = segments<ThemeKind>(app, "themes.kind", THEME_KINDS.map((kind) => [kind, `themes.${kind}` as Key]), this.chosen.kind, (kind) => this.setKind(kind));
    const show = dom.button("themes.show", () => void this.show(), "button primary", "plus");
    this.element = toolCard(app, "themes", "themes.title", () => this.toggle(), kinds, this.form, show, this.answer, this.list);
    app.i18n.onChange(() => this.refresh());
    app.on("tools", () => this.fillList());
    app.on("overlays", () => this.refresh());
  }

  toggle(): void {
    this.open = !this.open;
    this.app.fire("tools", null);
    if (!this.open) return;
    this.element.querySelector<HTMLElement>(".segment")?.focus();
    void this.load().catch((error: unknown) => this.app.report(error));
  }

  escape(): boolean {
    if (!this.open) return false;
    this.toggle();
    return true;
  }

  reset(): void {
    this.open = false;
    this.columns = [];
    this.file = null;
    this.app.themes.clear();
  }

  private async load(): Promise<void> {
    this.columns = (await this.app.columns.all()).filter((column) => column.type === "number");
    this.fillForm();
  }

  private refresh(): void {
    if (!this.open) return;
    this.fillForm();
    this.fillList();
  }

  private setKind(kind: ThemeKind): void {
    this.chosen = { ...this.chosen, kind, size: SIZES[kind].first };
    if (kind !== "heat" && this.chosen.of === "n:") this.chosen.of = "";
    this.fillForm();
  }

  private fillForm(): void {
    const { app, chosen } = this;
    const { i18n } = app;
    const { range, unit } = SIZES[chosen.kind];
    const fields = chosen.kind === "arcs" ? [this.fileField()] : [this.valueField(), this.layerField()];
    if (chosen.kind === "heat") fields.push(segments(app, "themes.measure", [["density", "themes.density"], ["mean", "themes.mean"]], chosen.measure, (measure) => (chosen.measure = measure)));
    fields.push(choice(app, "themes.ramp", Object.keys(PICTURE_RAMPS).map((ramp) => [ramp, i18n.t(`themes.ramp.${ramp}` as Key)]), chosen.ramp, (ramp) => (chosen.ramp = ramp as PictureRamp)));
    fields.push(slider(app, `themes.size.${chosen.kind}` as Key, range, chosen.size, unit, (size) => (chosen.size = size)).element);
    this.form.replaceChildren(...fields);
  }

  /** Attributes, and overlays with a scale. */
  private valueField(): HTMLElement {
    const { app, chosen } = this;
    const { i18n } = app;
    const options: [string, string][] = this.columns.map((column) => [`a:${column.name}`, `${i18n.title(column.titles, column.name)}${column.unit ? ` (${column.unit})` : ""}`]);
    for (const overlay of app.manifest?.overlays ?? []) {
      if (overlay.legend.type === "ramp" && overlay.source !== "attribute") options.push([`o:${overlay.name}`, `${i18n.title(overlay.titles, overlay.name)} · ${i18n.t(overlay.source === "live" ? "overlay.live" : "overlay.field")}`]);
    }
    if (chosen.kind === "heat") options.unshift(["n:", i18n.t("themes.count")]);
    if (!options.some(([value]) => value === chosen.of)) chosen.of = options[0]?.[0] ?? "";
    return choice(app, "themes.value", options, chosen.of, (of) => {
      chosen.of = of;
      this.fillForm();
    });
  }

  private layerField(): HTMLElement {
    const { app, chosen } = this;
    const { i18n } = app;
    const wanted = this.layersOf(chosen.of);
    const layers = (app.manifest?.layers ?? []).filter((layer) => wanted === null || wanted.includes(layer.name));
    const options: [string, string][] = layers.map((layer) => [layer.name, i18n.title(layer.titles, layer.name)]);
    if (chosen.kind !== "lines") options.unshift(["", i18n.t("themes.layers")]);
    if (!options.some(([value]) => value === chosen.layer)) chosen.layer = options[0]?.[0] ?? "";
    return choice(app, "themes.layer", options, chosen.layer, (layer) => (chosen.layer = layer));
  }

  /** Layers that have a value; null = all of them. */
  private layersOf(of: string): string[] | null {
    const name = of.slice(2);
    if (of.startsWith("a:")) return this.columns.find((column) => column.name === name)?.layers ?? [];
    const overlay = this.app.manifest?.overlays.find((each) => each.name === name);
    return of.startsWith("o:") && overlay?.layers.length ? overlay.layers : null;
  }

  private fileField(): HTMLElement {
    const { dom } = this.app;
    const input = dom.h("input", { label: "themes.file", attributes: { type: "file", accept: ".csv,text/csv" } });
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (!file) return;
      this.file = file.text().then((text) => ({ name: file.name, text }));
      this.file.catch((error: unknown) => this.app.report(error));
    });
    return dom.h("label", { class: "field" }, dom.h("span", { text: "themes.file" }), input, dom.h("span", { class: "hint", text: "themes.file.hint" }));
  }

  private async show(): Promise<void> {
    const { app } = this;
    try {
      let said = "";
      if (this.chosen.kind === "arcs") {
        if (!this.file) return this.say(app.i18n.t("themes.nofile.yet"), true);
        const { name, text } = await this.file;
        const { left_out, problems } = await app.themes.read(name, text);
        if (left_out) said = app.i18n.t("themes.left", { count: left_out, first: problems[0] ?? "" });
        this.chosen.of = name;
      }
      const made = await app.themes.add({ ...this.chosen });
      this.say(said || app.i18n.t("themes.shown", { count: app.i18n.number(made.count, 0) }), said !== "");
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error), true);
    }
  }

  private say(text: string, wrong: boolean): void {
    this.answer.textContent = text;
    this.answer.classList.toggle("wrong", wrong);
  }

  private fillList(): void {
    if (this.open) this.list.replaceChildren(...this.app.themes.standing.map((each) => this.row(each)));
  }

  private row(each: Standing): HTMLElement {
    const { app } = this;
    const { dom, i18n } = app;
    const { theming } = each;
    const layer = app.manifest?.layers.find((other) => other.name === theming.layer);
    const unit = theming.kind === "heat" && theming.measure === "density" ? `${each.unit || ""}/km²` : each.unit;
    const name = `${i18n.t(`themes.${theming.kind}` as Key)} · ${i18n.title(each.titles, theming.of)}`;
    const remove = dom.iconButton("close", "themes.remove", () => app.themes.remove(each.id), { class: "small" });
    remove.setAttribute("aria-label", `${i18n.t("themes.remove")}: ${name}`);
    const bar = dom.h("div", { class: "ramp" });
    bar.style.background = `linear-gradient(90deg, ${PICTURE_RAMPS[theming.ramp].join(", ")})`;
    const span = each.high - each.low;
    const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(Math.abs(span) || 1))));
    const ticks = Array.from({ length: TICKS }, (_, i) => dom.h("span", {}, i18n.number(each.low + (span * i) / (TICKS - 1), digits)));
    const size = i18n.t(`themes.scale.${theming.kind}` as Key, { size: theming.size, high: i18n.number(each.high, digits), unit: unit ?? "" });
    return dom.h(
      "li",
      {},
      dom.h("div", { class: "row" }, dom.h("strong", { class: "grow" }, name), remove),
      dom.h("div", { class: "ramp-box" }, bar, dom.h("div", { class: "ticks" }, ...ticks)),
      dom.h("small", { class: "hint" }, [layer ? i18n.title(layer.titles, layer.name) : "", unit ?? "", size].filter(Boolean).join(" · ")),
    );
  }
}
