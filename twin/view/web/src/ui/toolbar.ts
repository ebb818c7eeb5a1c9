/** Buttons for the camera, the tools and the picture. */
import type { MeasureKind } from "../engine/api";
import type { CityApp } from "./app";

export class Toolbar {
  readonly element: HTMLElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const engine = app.engine;
    const button = dom.iconButton.bind(dom);
    const measure = (kind: MeasureKind, icon: "ruler" | "height" | "area", label: `tool.${"distance" | "height" | "area"}`): HTMLElement =>
      this.mark(button(icon, label, () => app.shell.tools.startMeasure(kind)), () => app.shell.tools.measuring === kind);
    this.element = dom.h(
      "nav",
      { class: "toolbar card", label: "tool.group", attributes: { role: "toolbar", "aria-orientation": "vertical" } },
      this.compass(),
      button("home", "tool.home", () => engine?.home(0.8)),
      button("top", "tool.top", () => engine?.top(0.8)),
      button("plus", "tool.zoomin", () => engine?.zoom(1.4)),
      button("minus", "tool.zoomout", () => engine?.zoom(1 / 1.4)),
      dom.h("hr"),
      measure("distance", "ruler", "tool.distance"),
      measure("height", "height", "tool.height"),
      measure("area", "area", "tool.area"),
      this.mark(button("section", "tool.section", () => app.shell.tools.toggleSection()), () => app.shell.tools.sectionOpen),
      this.mark(button("underground", "tool.underground", () => app.shell.tools.toggleUnderground()), () => app.shell.tools.undergroundOpen),
      this.mark(button("shadow", "tool.shadows", () => app.setShadows(!app.state.shadows)), () => app.state.shadows),
      this.mark(button("label", "tool.labels", () => this.toggleLabels()), () => app.state.labels),
      dom.h("hr"),
      button("camera", "tool.snapshot", () => void this.snapshot().catch((error: unknown) => app.report(error))),
      button("fullscreen", "tool.fullscreen", () => void this.fullscreen().catch((error: unknown) => app.report(error))),
    );
    this.element.removeAttribute("title");
  }

  private mark(button: HTMLButtonElement, on: () => boolean): HTMLButtonElement {
    const show = (): void => {
      button.setAttribute("aria-pressed", String(on()));
      button.classList.toggle("on", on());
    };
    show();
    this.app.on("tools", show);
    return button;
  }

  private toggleLabels(): void {
    this.app.changed({ labels: !this.app.state.labels });
    this.app.fire("tools", null);
  }

  private compass(): HTMLElement {
    const { app } = this;
    const button = app.dom.iconButton("north", "compass.label", () => app.engine?.north(0.5), { class: "compass" });
    const needle = button.querySelector("svg");
    app.engine?.on("camera", () => {
      if (needle) needle.style.transform = `rotate(${-(app.engine?.heading() ?? 0)}deg)`;
    });
    return button;
  }

  private async snapshot(): Promise<void> {
    const { app } = this;
    if (!app.engine) return;
    const url = URL.createObjectURL(await app.engine.snapshot());
    const name = app.i18n.title(app.manifest?.titles, app.manifest?.name ?? "city").replace(/[\\/:*?"<>|]+/g, "-");
    const link = app.dom.h("a", { attributes: { href: url, download: `${name}.png` } });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    app.notices.show(app.i18n.t("tool.snapshot.done"), "info");
  }

  private async fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await (this.app.shell.app.getRootNode() as ShadowRoot).host.requestFullscreen();
  }
}
