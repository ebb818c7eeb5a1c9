/** The list of keyboard shortcuts. */
import type { Key } from "../i18n";
import type { CityApp } from "./app";

type Keys = string | { key: Key };

const ROWS: [Keys[], Key][] = [
  [["/", "Ctrl K"], "help.search"],
  [["H"], "help.home"],
  [["N"], "help.north"],
  [["T"], "help.top"],
  [["+", "−"], "help.zoom"],
  [[{ key: "help.keys.arrows" }], "help.orbit"],
  [[{ key: "help.keys.shift" }], "help.pan"],
  [[{ key: "help.click" }], "help.select"],
  [[{ key: "help.doubleclick" }, "F"], "help.fly"],
  [["1", "2", "3"], "help.measure"],
  [["X"], "help.section"],
  [["U"], "help.underground"],
  [["S"], "help.shadows"],
  [["L"], "help.language"],
  [["D"], "help.theme"],
  [["Esc"], "help.escape"],
  [["?"], "help.help"],
];

export class Help {
  readonly element: HTMLElement;
  private before: Element | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const rows = ROWS.flatMap(([keys, text]) => [
      dom.h("dt", {}, ...keys.map((key) => (typeof key === "string" ? dom.h("kbd", {}, key) : dom.h("kbd", { text: key.key })))),
      dom.h("dd", { text }),
    ]);
    const dialog = dom.h(
      "section",
      { class: "card help", label: "help.title", attributes: { role: "dialog", "aria-modal": "true", tabindex: "-1" } },
      dom.h("header", {}, dom.h("strong", { class: "grow", text: "help.title" }), dom.iconButton("close", "panel.close", () => this.close())),
      dom.h("dl", {}, ...rows),
    );
    dialog.removeAttribute("title");
    this.element = dom.h("div", { class: "scrim", attributes: { hidden: true } }, dialog);
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Tab") this.keepFocus(event);
    });
  }

  toggle(): void {
    if (this.close()) return;
    this.before = (this.app.shell.app.getRootNode() as ShadowRoot).activeElement;
    this.element.hidden = false;
    this.element.querySelector("button")?.focus();
  }

  /** Says whether it was open. */
  close(): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    if (this.before instanceof HTMLElement) this.before.focus();
    return true;
  }

  private keepFocus(event: KeyboardEvent): void {
    event.preventDefault();
    this.element.querySelector("button")?.focus();
  }
}
