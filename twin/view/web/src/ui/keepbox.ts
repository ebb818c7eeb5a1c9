/** The foot of the drawing cards: the drafts, and where they go: into a variant, or into a file. */
import type { CityApp } from "./app";
import { scenarioTitle } from "./variants";

const NEW = "";

export class KeepBox {
  readonly element: HTMLElement;
  private readonly target: HTMLSelectElement;
  private readonly title: HTMLInputElement;
  private readonly titleField: HTMLElement;
  private readonly list: HTMLElement;
  private readonly body: HTMLElement;
  private readonly keepButton: HTMLButtonElement;
  private readonly place: HTMLElement;
  /** The scenario that the choice was made for: another one on the page changes it. */
  private suited: string | null | undefined;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const alone = app.backend.alone ?? false;
    this.list = dom.h("ol", { class: "draft-list" });
    this.target = dom.h("select", { label: "draft.target" });
    this.target.removeAttribute("title");
    this.title = dom.h("input", { label: "draft.title", attributes: { type: "text", maxlength: 120 } });
    this.title.removeAttribute("title");
    this.titleField = dom.h("label", { class: "field" }, dom.h("span", { text: "draft.title" }), this.title);
    this.keepButton = dom.button("draft.keep", () => void this.keep().catch((error: unknown) => app.report(error)), "button primary", "check");
    this.place = dom.h("p", { class: "hint" });
    const file = dom.button("draft.export", () => app.drafts.exportFile(), "button quiet small");
    const drop = dom.button("draft.clear", () => app.drafts.clear(), "button quiet small");
    const targets = [dom.h("label", { class: "field" }, dom.h("span", { text: "draft.target" }), this.target), this.titleField, this.place, this.keepButton];
    this.body = dom.h("div", { class: "tool-body" }, ...(alone ? [dom.h("p", { class: "hint", text: "draft.alone" })] : targets), dom.h("div", { class: "row wrap" }, file, drop));
    this.element = dom.h("div", { class: "keep-box" }, this.list, this.body);
    this.target.addEventListener("change", () => this.showTitle());
    this.title.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.keepButton.click();
    });
    app.drafts.onChange(() => this.show());
    app.on("scenario", () => this.show());
    app.on("scenarios", () => this.show());
    app.i18n.onChange(() => this.show());
    this.show();
  }

  private show(): void {
    const { app } = this;
    const { changed } = app.drafts;
    this.element.hidden = changed.length === 0;
    if (changed.length === 0) return;
    this.list.replaceChildren(...changed.map((draft) => this.row(draft.key)));
    const shown = app.state.scenario;
    const wanted = this.suited === shown ? this.target.value : (shown ?? NEW);
    this.suited = shown;
    const option = (value: string, text: string): HTMLElement => app.dom.h("option", { attributes: { value } }, text);
    const scenarios = app.manifest?.scenarios ?? [];
    this.target.replaceChildren(option(NEW, app.i18n.t("draft.new")), ...scenarios.map((each) => option(each.name, each.title || each.name)));
    this.target.value = scenarios.some((each) => each.name === wanted) ? wanted : NEW;
    if (!this.title.value) this.title.value = app.i18n.t("draft.first", { number: scenarios.length + 1 });
    this.showTitle();
  }

  private showTitle(): void {
    const { app } = this;
    const fresh = this.target.value === NEW;
    this.titleField.hidden = !fresh;
    this.place.hidden = !fresh || !app.state.scenario;
    this.place.textContent = app.i18n.t("draft.branch", { name: scenarioTitle(app, app.state.scenario) });
  }

  private row(key: string): HTMLElement {
    const { app } = this;
    const { dom, i18n, drafts } = app;
    const draft = drafts.all.find((each) => each.key === key);
    if (!draft) return dom.h("li");
    const name = draft.name || i18n.t("draft.unnamed");
    const does = draft.removed ? "draft.removes" : draft.origin === "existing" ? "draft.changes" : "draft.adds";
    const open = dom.h("button", { class: "link grow", attributes: { type: "button" } }, name);
    open.addEventListener("click", () => app.shell.tools.edit.openOn(key));
    return dom.h("li", { attributes: { "aria-current": String(key === drafts.chosen) } }, dom.h("span", { class: `tag ${draft.removed ? "removed" : draft.origin === "existing" ? "changed" : "added"}`, text: does }), open, dom.h("small", {}, i18n.metres(draft.placement.height_m)));
  }

  private async keep(): Promise<void> {
    const { app } = this;
    const title = this.title.value.trim();
    if (this.target.value === NEW && !title) {
      app.notices.show(app.i18n.t("draft.notitle"), "error");
      this.title.focus();
      return;
    }
    this.keepButton.disabled = true;
    try {
      const kept = await app.drafts.keep(this.target.value, title);
      this.title.value = "";
      app.notices.show(app.i18n.t("draft.kept", { name: kept.title }), "info");
      app.shell.stage.focus();
    } finally {
      this.keepButton.disabled = false;
    }
  }
}
