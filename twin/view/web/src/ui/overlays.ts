/** Which overlay colours the city. */
import type { OverlaySpec } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { section } from "./card";
import { uniqueId } from "./dom";
import { STYLE } from "./styling";

const SOURCES: Record<OverlaySpec["source"], Key> = {
  live: "overlay.live",
  field: "overlay.field",
  attribute: "overlay.attribute",
};

export class OverlayPanel {
  readonly element: HTMLElement;
  private readonly list: HTMLElement;
  private readonly group = uniqueId("overlay");

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.list = dom.h("div", { class: "choices", label: "overlay.title", attributes: { role: "radiogroup" } });
    this.list.removeAttribute("title");
    this.element = section(dom, { title: "overlay.title", icon: "palette", open: true, name: "overlays" }, this.list);
    this.fill();
    app.on("overlays", () => this.fill());
    app.on("overlay", () => this.mark());
  }

  private fill(): void {
    const { dom } = this.app;
    const overlays = this.app.manifest?.overlays ?? [];
    if (!overlays.length) {
      this.list.replaceChildren(dom.h("p", { class: "hint", text: "overlay.empty" }));
      return;
    }
    this.list.replaceChildren(this.choice(null), ...overlays.map((overlay) => this.choice(overlay)));
    this.mark();
  }

  private choice(overlay: OverlaySpec | null): HTMLElement {
    const { dom } = this.app;
    const input = dom.h("input", { attributes: { type: "radio", name: this.group, value: overlay?.name ?? "" } });
    input.addEventListener("change", () => {
      void this.app.setOverlay(overlay?.name ?? null).catch((error: unknown) => this.app.report(error));
    });
    return dom.h(
      "label",
      { class: "choice" },
      input,
      dom.h("span", { class: "grow", ...(overlay ? { titles: overlay.titles } : { text: "overlay.none" as const }) }),
      overlay && dom.h("span", { class: `tag ${overlay.source}`, text: overlay.name === STYLE ? "overlay.own" : SOURCES[overlay.source] }),
    );
  }

  private mark(): void {
    const current = this.app.overlay?.name ?? "";
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === current;
  }
}
