/** What the inspector says of several selected objects: how many, of which layers, their figures, the first of them. */
import type { ColumnSpec, TableAnswer } from "../backend/messages";
import type { LayerSpec } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { section } from "./card";
import type { Column } from "./columns";
import type { IconName } from "./icons";

/** Objects that are listed. */
const LISTED = 200;

export interface Summary {
  count: number;
  sum: number;
  mean: number;
  low: number;
  high: number;
}

/** Figures of a column over some objects, NaN left out; null when none has a value. */
export function summarise(numbers: Float32Array, handles: number[]): Summary | null {
  const found: Summary = { count: 0, sum: 0, mean: 0, low: Infinity, high: -Infinity };
  for (const handle of handles) {
    const value = numbers[handle];
    if (value === undefined || Number.isNaN(value)) continue;
    found.count += 1;
    found.sum += value;
    found.low = Math.min(found.low, value);
    found.high = Math.max(found.high, value);
  }
  found.mean = found.sum / found.count;
  return found.count > 0 ? found : null;
}

export class SetCard {
  readonly element: HTMLElement;
  private readonly figures: HTMLElement;
  private readonly list: HTMLElement;
  private handles: number[] = [];
  private inLayers: { layer: LayerSpec; count: number }[] = [];
  private answer: TableAnswer | null = null;
  private column = "";
  /** The buttons that are on or off. */
  private readonly switches = new Map<HTMLElement, () => boolean>();

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.figures = dom.h("div", { class: "set-figures" });
    this.list = dom.h("div", { class: "set-list" });
    this.element = dom.h("div", { class: "set-card", attributes: { hidden: true } });
    app.on("tools", () => this.mark());
  }

  /** Shows some objects; fewer than two hide the card. */
  show(handles: number[]): void {
    this.handles = handles;
    this.element.hidden = handles.length < 2;
    if (this.element.hidden) return this.element.replaceChildren();
    const { dom, i18n } = this.app;
    const body = dom.h("div", { class: "scroll" }, section(dom, { title: "set.figures", open: true, name: "set-figures" }, this.figures), section(dom, { title: "set.list", open: true, name: "set-list" }, this.list));
    this.element.replaceChildren(
      dom.h(
        "header",
        { class: "inspector-head" },
        dom.h("div", { class: "row" }, dom.h("h2", { class: "grow" }, i18n.t("set.count", { count: i18n.number(handles.length, 0) })), dom.iconButton("close", "panel.close", () => this.app.selection.clear())),
        dom.h("p", { class: "kind" }, ...this.layers()),
        this.actions(),
      ),
      body,
    );
    this.figures.replaceChildren();
    this.list.replaceChildren();
    void this.fill(handles).catch((error: unknown) => this.app.report(error));
  }

  private layers(): HTMLElement[] {
    const { dom, i18n } = this.app;
    this.inLayers = (this.app.manifest?.layers ?? [])
      .map((layer) => ({ layer, count: this.handles.filter((handle) => handle >= layer.base && handle < layer.base + layer.count).length }))
      .filter(({ count }) => count > 0);
    return this.inLayers.map(({ layer, count }) => dom.h("span", { class: "tag" }, `${i18n.title(layer.titles, layer.name)} ${i18n.number(count, 0)}`));
  }

  private actions(): HTMLElement {
    const { app } = this;
    const { selection } = app;
    const button = (icon: IconName, key: Key, act: () => unknown, on?: () => boolean): HTMLElement => {
      const node = app.dom.button(key, () => void Promise.resolve(act()).catch((error: unknown) => app.report(error)), "button quiet", icon);
      if (on) this.switches.set(node, on);
      return node;
    };
    this.switches.clear();
    const actions = app.dom.h(
      "div",
      { class: "inspector-actions" },
      button("target", "props.fly", () => selection.fly()),
      button("isolate", "props.isolate", () => selection.isolate(!selection.isolated), () => selection.isolated),
      button("ghost", "props.ghost", () => selection.ghost(!selection.ghosts), () => selection.ghosts),
      button("eyeoff", "props.hide", () => selection.hide()),
    );
    this.mark();
    return actions;
  }

  /** Shows which of the buttons are on, whoever switched them: a click or a key. */
  private mark(): void {
    for (const [node, on] of this.switches) {
      node.setAttribute("aria-pressed", String(on()));
      node.classList.toggle("on", on());
    }
  }

  private async fill(handles: number[]): Promise<void> {
    const [answer, columns] = await Promise.all([this.app.columns.table(handles.slice(0, LISTED)), this.app.columns.all()]);
    if (this.handles !== handles) return;
    this.answer = answer;
    this.showList(answer);
    const numbers = columns.filter((column) => column.type === "number").map((column) => ({ column, count: this.having(column) }));
    numbers.sort((a, b) => b.count - a.count);
    await this.showFigures(numbers.filter(({ count }) => count > 0).map(({ column }) => column));
  }

  /** How many selected objects are of layers that have a column. */
  private having(column: ColumnSpec): number {
    return this.inLayers.reduce((sum, { layer, count }) => sum + (column.layers.includes(layer.name) ? count : 0), 0);
  }

  private async showFigures(columns: ColumnSpec[]): Promise<void> {
    const { dom, i18n } = this.app;
    if (columns.length === 0) {
      this.figures.replaceChildren(dom.h("p", { class: "hint", text: "set.nofigures" }));
      return;
    }
    const select = dom.h("select", { label: "set.column" }, ...columns.map((column) => dom.h("option", { attributes: { value: column.name } }, i18n.title(column.titles, column.name))));
    if (columns.some((column) => column.name === this.column)) select.value = this.column;
    const facts = dom.h("dl", { class: "facts" });
    const show = async (): Promise<void> => {
      this.column = select.value;
      facts.replaceChildren(...this.factsOf(await this.app.columns.column(select.value)));
    };
    select.addEventListener("change", () => void show().catch((error: unknown) => this.app.report(error)));
    this.figures.replaceChildren(select, facts);
    await show();
  }

  private factsOf({ spec, numbers }: Column): HTMLElement[] {
    const { dom, i18n } = this.app;
    const found = summarise(numbers, this.handles);
    if (!found) return [dom.h("dt", { text: "legend.nodata" })];
    const unit = spec.unit && spec.unit !== "1" ? ` ${spec.unit}` : "";
    const facts: [Key, string][] = [
      ["set.known", i18n.number(found.count, 0)],
      ["set.sum", i18n.number(found.sum, 1) + unit],
      ["set.mean", i18n.number(found.mean, 2) + unit],
      ["set.low", i18n.number(found.low, 2) + unit],
      ["set.high", i18n.number(found.high, 2) + unit],
    ];
    return facts.flatMap(([key, value]) => [dom.h("dt", { text: key }), dom.h("dd", {}, value)]);
  }

  private showList({ columns, rows }: TableAnswer): void {
    const { dom, i18n } = this.app;
    const cell = (value: unknown): string => (typeof value === "number" ? i18n.number(value, 2) : value === null || value === undefined ? "–" : String(value));
    const head = dom.h("tr", {}, ...[i18n.t("set.name"), ...columns.map((column) => i18n.title(column.titles, column.name))].map((title) => dom.h("th", { attributes: { scope: "col" } }, title)));
    const lines = rows.map((row) => {
      const name = row.name || i18n.t("props.unnamed", { kind: i18n.title(row.kind_titles, row.kind) });
      const link = dom.h("button", { class: "link", attributes: { type: "button" } }, name);
      link.addEventListener("click", () => void this.app.select(row.handle, true).catch((error: unknown) => this.app.report(error)));
      return dom.h("tr", { attributes: { "data-handle": row.handle } }, dom.h("th", { attributes: { scope: "row" } }, link), ...row.values.map((value) => dom.h("td", {}, cell(value))));
    });
    const more = this.handles.length - rows.length;
    this.list.replaceChildren(
      dom.h("div", { class: "table-box" }, dom.h("table", { class: "kpis" }, dom.h("thead", {}, head), dom.h("tbody", {}, ...lines))),
      ...(more > 0 ? [dom.h("p", { class: "hint" }, i18n.t("props.more", { count: i18n.number(more, 0) }))] : []),
      dom.button("set.csv", () => this.save(), "button quiet small"),
    );
  }

  private save(): void {
    if (!this.answer) return;
    const { columns, rows } = this.answer;
    const lines = [["uid", "name", "kind", "layer", ...columns.map((column) => column.name)], ...rows.map((row) => [row.uid, row.name, row.kind, row.layer, ...row.values])];
    this.app.save(new Blob(["\ufeff", lines.map((line) => line.map(csvCell).join(",")).join("\n"), "\n"], { type: "text/csv" }), "selection.csv");
  }
}

/** A value in a CSV file; text that a spreadsheet would take for a formula stays text. */
export function csvCell(value: unknown): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
