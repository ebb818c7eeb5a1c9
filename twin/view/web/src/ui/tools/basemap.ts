/** Chooses the map under the city, how strong it is, and what it covers. */
import type { CityApp } from "../app";
import { uniqueId } from "../dom";
import { slider, type Slider, type Tool, toolCard } from "./card";

export class BasemapTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly list: HTMLElement;
  private readonly opacity: Slider;
  private readonly over: HTMLInputElement;
  private readonly settings: HTMLElement;
  private readonly group = uniqueId("basemap");

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.list = dom.h("div", { class: "choices", label: "basemap.title", attributes: { role: "radiogroup" } });
    this.list.removeAttribute("title");
    this.opacity = slider(app, "basemap.opacity", [0, 1, 0.05], 1, "", (opacity) => app.basemaps.setLook({ ...app.basemaps.look, opacity }));
    this.over = dom.h("input", { attributes: { type: "checkbox" } });
    this.over.addEventListener("change", () => app.basemaps.setLook({ ...app.basemaps.look, over: this.over.checked }));
    const over = dom.h("label", { class: "choice" }, this.over, dom.h("span", { class: "grow", text: "basemap.over" }));
    this.settings = dom.h("div", { class: "tool-body" }, this.opacity.element, over);
    this.element = toolCard(app, "basemap", "basemap.title", () => this.toggle(), this.list, this.settings);
    app.on("tools", () => this.mark());
    app.i18n.onChange(() => this.fill());
  }

  toggle(): void {
    this.open = !this.open;
    if (this.open) this.fill();
    this.app.fire("tools", null);
    if (this.open) this.list.querySelector<HTMLInputElement>("input:checked")?.focus();
  }

  escape(): boolean {
    if (!this.open) return false;
    this.toggle();
    return true;
  }

  reset(): void {
    this.open = false;
  }

  private fill(): void {
    const { dom, basemaps } = this.app;
    const { offers } = basemaps;
    const rows = [this.choice("", dom.h("span", { class: "grow", text: "basemap.none" })), ...offers.map((offer) => this.choice(offer.name, dom.h("span", { class: "grow", titles: offer.titles })))];
    this.list.replaceChildren(...(offers.length ? rows : [dom.h("p", { class: "hint", text: "basemap.empty" })]));
    this.mark();
  }

  private choice(name: string, title: HTMLElement): HTMLElement {
    const { app } = this;
    const input = app.dom.h("input", { attributes: { type: "radio", name: this.group, value: name } });
    input.addEventListener("change", () => void app.basemaps.choose(name || null).catch((error: unknown) => app.report(error)));
    return app.dom.h("label", { class: "choice" }, input, title);
  }

  private mark(): void {
    const { name, look } = this.app.basemaps;
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === (name ?? "");
    this.settings.hidden = name === null;
    this.opacity.set(look.opacity);
    this.over.checked = look.over;
  }
}
