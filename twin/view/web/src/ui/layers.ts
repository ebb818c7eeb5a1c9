/** The layers of the scene: what is shown, and how solid. */
import type { LayerSpec, SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import { CloudControls } from "./clouds";
import { section } from "./card";
import { iconOfTheme } from "./icons";

export class LayerPanel {
  readonly element: HTMLElement;

  constructor(
    private readonly app: CityApp,
    manifest: SceneManifest,
  ) {
    const { dom } = app;
    const list = dom.h("ul", { class: "layer-list" }, ...manifest.layers.map((layer) => this.row(layer)));
    const empty = manifest.layers.length ? null : dom.h("p", { class: "hint", text: "layers.none" });
    this.element = section(dom, { title: "layers.title", icon: "layers", open: true, name: "layers" }, list, empty);
  }

  private row(layer: LayerSpec): HTMLElement {
    const { app } = this;
    const { dom, i18n } = app;
    const [name, mark] = [dom.h("span", { class: "layer-name" }), dom.h("span", { class: "layer-mark" })];
    const now = (): LayerSpec => app.manifest?.layers.find((each) => each.name === layer.name) ?? layer;
    const eye = dom.h("input", { class: "eye", attributes: { type: "checkbox", role: "switch", "data-layer": layer.name } });
    const slider = dom.h("input", {
      attributes: { type: "range", min: 0, max: 1, step: 0.05, value: this.app.state.opacity[layer.name] ?? layer.opacity },
    });
    const count = dom.h("span", { class: "count" });
    const fly = dom.iconButton("target", "layers.zoom", () => {
      const { bounds } = now();
      if (bounds) app.engine?.flyTo(bounds, 1);
    }, { class: "small" });
    const row = dom.h(
      "li",
      { class: "layer", attributes: { "data-layer": layer.name } },
      dom.h("label", { class: "layer-main" }, dom.icon(iconOfTheme(layer.theme), `icon theme-${layer.theme}`), dom.h("span", { class: "layer-title" }, name, mark), count, eye, dom.h("span", { class: "switch" })),
      dom.h("div", { class: "layer-more" }, slider, fly),
      layer.cloud ? new CloudControls(this.app, layer, layer.cloud).element : null,
    );
    const write = (): void => {
      const { titles, count: many, source } = now();
      const title = i18n.title(titles, layer.name);
      [name.textContent, mark.textContent] = titleParts(title);
      count.textContent = i18n.number(many, 0);
      count.title = i18n.t("layers.count", { count: i18n.number(many, 0) });
      row.title = source ? `${title}\n${i18n.t("layers.source", { source })}` : title;
      eye.setAttribute("aria-label", i18n.t("layers.show", { name: title }));
      slider.setAttribute("aria-label", i18n.t("layers.opacity", { name: title }));
      fly.setAttribute("aria-label", i18n.t("layers.zoom", { name: title }));
      fly.title = i18n.t("layers.zoom", { name: title });
    };
    i18n.bind(row, write);
    const show = (): void => {
      write();
      eye.checked = this.app.layerVisible(layer.name);
      slider.value = String(this.app.state.opacity[layer.name] ?? layer.opacity);
      row.classList.toggle("off", !eye.checked);
    };
    show();
    this.app.on("layers", show);
    eye.addEventListener("change", () => this.app.setLayerVisible(layer.name, eye.checked));
    slider.addEventListener("input", () => this.app.setLayerOpacity(layer.name, Number(slider.value)));
    return row;
  }
}

/** A title and the mark in brackets at its end, which stays legible when the title is cut. */
export function titleParts(title: string): [string, string] {
  const [, name, mark] = /^(.*\S)(\s*[(（][^()（）]{1,24}[)）])$/u.exec(title) ?? [];
  return name && mark ? [name, mark] : [title, ""];
}
