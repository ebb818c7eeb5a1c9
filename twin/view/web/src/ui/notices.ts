/** Short messages at the top of the view; errors stay until they are dismissed. */
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
    while (this.element.childElementCount >= MOST) this.element.firstElementChild?.remove();
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
}
