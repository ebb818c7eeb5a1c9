/** Short messages at the top of the view; errors stay until they are dismissed. */
import type { Key } from "../i18n";
import type { Dom } from "./dom";

const SHOWN_MS = 5000;
const MOST = 4;

export class Notices {
  readonly element: HTMLElement;

  constructor(private readonly dom: Dom) {
    this.element = dom.h("div", { class: "notices", label: "notices", attributes: { role: "status", "aria-live": "polite" } });
    this.element.removeAttribute("title");
  }

  show(text: string, kind: "info" | "error"): void {
    for (const old of this.element.children) if (old.firstElementChild?.nextElementSibling?.textContent === text) old.remove();
    const passing = this.element.querySelectorAll(".notice:not(.offer)");
    for (let i = 0; i <= passing.length - MOST; i++) passing[i]?.remove();
    const note = this.dom.h(
      "div",
      { class: `notice card ${kind}`, attributes: kind === "error" ? { role: "alert" } : {} },
      this.dom.icon(kind === "error" ? "warning" : "check"),
      this.dom.h("span", {}, text),
    );
    note.append(this.dom.iconButton("close", "notice.dismiss", () => note.remove(), { class: "small" }));
    this.element.append(note);
    if (kind === "info") setTimeout(() => note.remove(), SHOWN_MS);
  }

  /** A sentence with buttons that stays until it is removed, in the page's language at any time. */
  offer(text: () => string, actions: readonly (readonly [Key, () => void])[]): HTMLElement {
    const { dom } = this;
    const buttons = actions.map(([label, act], i) => dom.button(label, act, `button small ${i === 0 ? "primary" : "quiet"}`));
    const said = dom.i18n.bind(dom.h("span"), (node) => (node.textContent = text()));
    const note = dom.h("div", { class: "notice card info offer" }, dom.icon("edit"), said, ...buttons);
    this.element.prepend(note);
    return note;
  }
}
