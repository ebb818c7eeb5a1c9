/** Name of the city, search, language, theme, share and help. */
import type { SearchHit } from "../backend/messages";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import { debounced, uniqueId } from "./dom";

const LIMIT = 20;

export class TopBar {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly results: HTMLElement;
  private readonly toggle: HTMLButtonElement;
  private hits: SearchHit[] = [];
  private active = -1;
  private asked = "";

  constructor(
    private readonly app: CityApp,
    manifest: SceneManifest,
  ) {
    const { dom } = app;
    const listId = uniqueId("results");
    this.results = dom.h("ul", { class: "results card", attributes: { role: "listbox", id: listId, hidden: true } });
    this.input = dom.h("input", {
      attributes: {
        type: "search", role: "combobox", "aria-expanded": "false", "aria-controls": listId,
        "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
      },
    });
    app.i18n.bind(this.input, (node) => {
      node.placeholder = app.i18n.t("search.placeholder");
      node.setAttribute("aria-label", app.i18n.t("search.label"));
    });
    const later = debounced(() => void this.search(), 150);
    this.input.addEventListener("input", later);
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("focus", () => this.open(this.hits.length > 0));
    this.input.addEventListener("blur", () => setTimeout(() => this.open(false), 150));
    this.toggle = dom.iconButton("layers", "panel.expand", () => app.shell.showLeft(!app.shell.leftShown), { class: "toggle-left" });
    this.element = dom.h(
      "header",
      { class: "topbar card" },
      this.toggle,
      dom.h("h1", { titles: manifest.titles }),
      dom.h("div", { class: "search", attributes: { role: "search" } }, dom.icon("search"), this.input, dom.h("kbd", {}, "/"), this.results),
      dom.h("div", { class: "actions" }, this.language(), this.theme(), this.share(), dom.iconButton("help", "top.help", () => app.shell.toggleHelp())),
    );
  }

  focusSearch(): void {
    this.input.focus();
    this.input.select();
  }

  /** Says whether a list was open. */
  closeResults(): boolean {
    const open = !this.results.hidden;
    this.open(false);
    return open;
  }

  markLeft(shown: boolean): void {
    this.toggle.setAttribute("aria-expanded", String(shown));
    this.toggle.classList.toggle("on", shown);
  }

  private language(): HTMLElement {
    const { app } = this;
    const button = app.dom.h("button", { class: "button quiet language", label: "top.language", attributes: { type: "button" } });
    app.i18n.bind(button, (node) => (node.textContent = app.i18n.t("top.language.short")));
    button.addEventListener("click", () => app.setLanguage(app.i18n.language === "zh" ? "en" : "zh"));
    return button;
  }

  private theme(): HTMLElement {
    const { app } = this;
    const button = app.dom.h("button", { class: "icon-button theme-switch", attributes: { type: "button" } });
    const show = (): void => {
      const dark = app.theme === "dark";
      const label = app.i18n.t(dark ? "top.theme.light" : "top.theme.dark");
      button.setAttribute("aria-label", label);
      button.title = label;
      button.replaceChildren(app.dom.icon(dark ? "sun" : "moon"));
    };
    app.i18n.bind(button, show);
    app.shell.app.addEventListener("theme", show);
    button.addEventListener("click", () => app.setTheme(app.theme === "dark" ? "light" : "dark"));
    return button;
  }

  private share(): HTMLElement {
    return this.app.dom.iconButton("share", "top.share", () => void this.app.share());
  }

  private async search(): Promise<void> {
    const text = this.input.value.trim();
    this.asked = text;
    if (!text) {
      this.hits = [];
      this.open(false);
      return;
    }
    try {
      const hits = await this.app.ask<SearchHit[]>("search", { text, limit: LIMIT });
      if (this.asked === text) this.show(hits, text);
    } catch (error) {
      this.app.report(error);
    }
  }

  private show(hits: SearchHit[], text: string): void {
    const { dom, i18n } = this.app;
    this.hits = hits;
    this.active = hits.length ? 0 : -1;
    const rows = hits.map((hit, i) => {
      const kind = i18n.title(hit.kind_titles, hit.kind);
      const layer = this.app.manifest?.layers.find((other) => other.name === hit.layer);
      const row = dom.h(
        "li",
        { attributes: { role: "option", id: `${this.results.id}-${i}` } },
        dom.h("span", { class: "grow" }, hit.name || i18n.t("props.unnamed", { kind })),
        dom.h("small", {}, `${kind} · ${i18n.title(layer?.titles, hit.layer)}`),
      );
      row.addEventListener("pointerdown", (event) => event.preventDefault());
      row.addEventListener("click", () => this.choose(i));
      return row;
    });
    if (!hits.length) rows.push(dom.h("li", { class: "hint" }, i18n.t("search.none", { text })));
    this.results.replaceChildren(...rows);
    this.open(true);
    this.mark();
  }

  private open(open: boolean): void {
    this.results.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
  }

  private mark(): void {
    [...this.results.children].forEach((row, i) => {
      row.setAttribute("aria-selected", String(i === this.active));
      if (i === this.active) row.scrollIntoView({ block: "nearest" });
    });
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `${this.results.id}-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Enter") this.choose(this.active);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.move(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  private move(by: number): void {
    if (!this.hits.length) return;
    this.active = (this.active + by + this.hits.length) % this.hits.length;
    this.open(true);
    this.mark();
  }

  private choose(place: number): void {
    const hit = this.hits[place];
    if (!hit) return;
    this.open(false);
    void this.app.select(hit.handle, true).catch((error: unknown) => this.app.report(error));
  }
}
