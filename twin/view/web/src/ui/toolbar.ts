/** Buttons for the camera, the usual tools and the picture; all tools are in the menu. */
import { actionOf, run } from "./actions";
import type { CityApp } from "./app";
import type { Key } from "../i18n";

type Row = [name: string, label: Key];

const CAMERA: Row[] = [["home", "tool.home"], ["top", "tool.top"], ["zoomin", "tool.zoomin"], ["zoomout", "tool.zoomout"]];
const TOOLS: Row[] = [
  ["distance", "tool.distance"],
  ["height", "tool.height"],
  ["area", "tool.area"],
  ["box", "tool.selectbox"],
  ["draw", "tool.draw"],
  ["section", "tool.section"],
  ["underground", "tool.underground"],
  ["shadows", "tool.shadows"],
  ["labels", "tool.labels"],
];
const PICTURE: Row[] = [["snapshot", "tool.snapshot"], ["fullscreen", "tool.fullscreen"]];

export class Toolbar {
  readonly element: HTMLElement;

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    const buttons = (rows: Row[]): HTMLElement[] => rows.map(([name, label]) => this.button(name, label));
    this.element = dom.h(
      "nav",
      { class: "toolbar card", label: "tool.group", attributes: { role: "toolbar", "aria-orientation": "vertical" } },
      this.compass(),
      ...buttons(CAMERA),
      dom.h("hr"),
      this.button("menu", "tool.menu"),
      ...buttons(TOOLS),
      dom.h("hr"),
      ...buttons(PICTURE),
    );
    this.element.removeAttribute("title");
  }

  private button(name: string, label: Key): HTMLButtonElement {
    const { app } = this;
    const action = actionOf(name);
    const button = app.dom.iconButton(action.icon, label, () => run(app, action), { attributes: { "data-action": name } });
    const { on } = action;
    if (!on) return button;
    const show = (): void => {
      button.setAttribute(name === "menu" ? "aria-expanded" : "aria-pressed", String(on(app)));
      button.classList.toggle("on", on(app));
    };
    show();
    app.on("tools", show);
    return button;
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
}
