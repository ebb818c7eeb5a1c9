/** The list of keyboard shortcuts. */
import type { Key } from "../i18n";
import { ACTIONS, keyText } from "./actions";
import type { CityApp } from "./app";

type Keys = string | { key: Key };

/** What is done with the mouse, or with keys that are no action of their own. */
const OTHERS: [Keys[], Key][] = [
  [[{ key: "help.click" }], "help.select"],
  [[{ key: "help.shiftclick" }], "help.selectmore"],
  [[{ key: "help.doubleclick" }], "help.fly"],
  [[{ key: "help.keys.arrows" }], "help.orbit"],
  [[{ key: "help.keys.shift" }], "help.pan"],
  [["Esc"], "help.escape"],
];

export class Help {
  readonly element: HTMLElement;
  private before: Element | null = null;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const actions: [Keys[], Key][] = ACTIONS.map((action) => [[keyText(action), ...(action.name === "search" ? ["Ctrl K"] : [])], action.title]);
    const rows = [...OTHERS, ...actions].flatMap(([keys, text]) => [
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
