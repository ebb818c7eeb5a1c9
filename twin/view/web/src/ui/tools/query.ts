/** Selecting by attribute: a filter as CQL2 text, with the columns to choose from. */
import type { ColumnSpec } from "../../backend/messages";
import type { Change } from "../selection";
import type { CityApp } from "../app";
import { segments, type Tool, toolCard } from "./card";

export class QueryTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly input: HTMLInputElement;
  private readonly columns: HTMLSelectElement;
  private readonly answer: HTMLElement;
  private how: Change = "replace";

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.input = dom.h("input", { label: "query.text", attributes: { type: "text", spellcheck: "false", autocomplete: "off", placeholder: "height_m > 100" } });
    this.input.removeAttribute("title");
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && void this.run());
    this.columns = dom.h("select", { label: "query.column" });
    this.columns.addEventListener("change", () => this.insert(this.columns.value));
    this.answer = dom.h("p", { class: "hint", attributes: { role: "status" } });
    const ways = segments<Change>(app, "query.way", [["replace", "query.replace"], ["add", "query.add"], ["remove", "query.remove"]], "replace", (how) => (this.how = how));
    this.element = toolCard(
      app, "query", "query.title", () => this.toggle(),
      dom.h("p", { class: "hint", text: "query.hint" }),
      this.input,
      this.columns,
      ways,
      dom.button("query.run", () => void this.run(), "button primary", "search"),
      this.answer,
    );
    app.i18n.onChange(() => void this.fill());
  }

  toggle(): void {
    this.open = !this.open;
    this.app.fire("tools", null);
    if (!this.open) return;
    void this.fill();
    this.input.focus();
  }

  escape(): boolean {
    if (!this.open) return false;
    this.toggle();
    return true;
  }

  reset(): void {
    this.open = false;
  }

  private async fill(): Promise<void> {
    if (!this.open) return;
    const { dom, i18n } = this.app;
    const columns = await this.app.columns.all().catch((error: unknown): ColumnSpec[] => {
      this.app.report(error);
      return [];
    });
    const options = columns.map((column) => dom.h("option", { attributes: { value: column.name } }, `${i18n.title(column.titles, column.name)} · ${column.name}`));
    this.columns.replaceChildren(dom.h("option", { attributes: { value: "" } }, i18n.t("query.column")), ...options);
  }

  /** Puts a column's name where the text cursor is. */
  private insert(name: string): void {
    if (!name) return;
    const { input } = this;
    const at = input.selectionStart ?? input.value.length;
    const word = /^[A-Za-z_]\w*$/.test(name) ? name : `"${name}"`;
    input.value = `${input.value.slice(0, at)}${word} ${input.value.slice(input.selectionEnd ?? at)}`;
    this.columns.value = "";
    input.focus();
    input.setSelectionRange(at + word.length + 1, at + word.length + 1);
  }

  private async run(): Promise<void> {
    const text = this.input.value.trim();
    if (!text) return this.input.focus();
    try {
      const handles = await this.app.columns.find(text);
      this.app.selection.change(handles, this.how);
      this.say(this.app.i18n.t("query.found", { count: this.app.i18n.number(handles.length, 0) }), false);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error), true);
    }
  }

  private say(text: string, wrong: boolean): void {
    this.answer.textContent = text;
    this.answer.classList.toggle("wrong", wrong);
  }
}
