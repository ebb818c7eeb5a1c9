/** The page's frame: stage, panels, bars; and what is open or closed in it. */
import uplotCss from "uplot/dist/uPlot.min.css";
import type { SceneManifest } from "../engine/api";
import type { CityApp } from "./app";
import { Comparing } from "./compare";
import compareCss from "./compare.css";
import type { CompareMode } from "./compared";
import { Help } from "./help";
import { Inspector } from "./inspector";
import { Labels } from "./labels";
import { LayerPanel } from "./layers";
import { Menu } from "./menu";
import { Legend } from "./legend";
import { OverlayPanel } from "./overlays";
import { SimulationPanel } from "./simulations";
import { StatusBar } from "./statusbar";
import controls from "./controls.css";
import layout from "./layout.css";
import { TimeBar } from "./timebar";
import { Toolbar } from "./toolbar";
import { Tools } from "./tools";
import { StylePanel } from "./styles";
import toolsCss from "./tools.css";
import { TopBar } from "./topbar";

export class Shell {
  readonly app: HTMLElement;
  /** One view, or those that are compared. */
  readonly stage: HTMLElement;
  /** The engine's canvas lies here. */
  readonly view: HTMLElement;
  readonly compare: Comparing;
  simulations: SimulationPanel | null = null;
  styles: StylePanel | null = null;
  readonly tools: Tools;
  private readonly outer: HTMLElement;
  private readonly loading: HTMLElement;
  private readonly left: HTMLElement;
  private readonly help: Help;
  private readonly menu: Menu;
  private topBar: TopBar | null = null;
  private timeBar: TimeBar | null = null;
  private labels: Labels | null = null;

  constructor(private readonly city: CityApp) {
    const { dom } = city;
    this.outer = document.createElement("div");
    this.outer.className = "citytwin-view";
    this.outer.style.cssText = city.options.fullPage ? "position:fixed;inset:0" : "position:relative;width:100%;height:100%;min-height:480px";
    this.view = dom.h("div", { class: "view" });
    this.stage = dom.h("main", { class: "stage", attributes: { tabindex: "0", role: "application" } }, this.view);
    this.compare = new Comparing(city);
    this.loading = dom.h(
      "div",
      { class: "loading", attributes: { role: "status" } },
      dom.h("span", { class: "spinner" }),
      dom.h("span", { text: "app.loading" }),
    );
    this.left = dom.h("aside", { class: "left", label: "panel.left" });
    this.left.removeAttribute("title");
    this.help = new Help(city);
    this.menu = new Menu(city);
    this.tools = new Tools(city);
    this.app = dom.h("div", { class: "app" }, this.stage, this.loading, city.notices.element);
    city.i18n.bind(this.app, (node) => (node.lang = city.i18n.locale));
    const style = document.createElement("style");
    style.textContent = uplotCss + layout + controls + toolsCss + compareCss;
    const shadow = this.outer.attachShadow({ mode: "open" });
    shadow.append(style, this.app);
    city.host.append(this.outer);
    this.app.addEventListener("input", (event) => fillSlider(event.target));
  }

  /** Makes the panels for a scene; an earlier scene's panels go, and what its tools were doing unless the city is the same. */
  build(manifest: SceneManifest, same = false): void {
    const { city } = this;
    this.timeBar?.dispose();
    this.compare.close();
    this.app.replaceChildren();
    this.topBar = new TopBar(city, manifest);
    this.timeBar = new TimeBar(city, manifest);
    this.simulations = new SimulationPanel(city, manifest);
    this.styles = new StylePanel(city);
    const scroll = city.dom.h(
      "div",
      { class: "scroll" },
      new LayerPanel(city, manifest).element,
      new OverlayPanel(city).element,
      this.styles.element,
      this.simulations.element,
    );
    this.left.replaceChildren(scroll);
    this.left.classList.add("card");
    const right = city.dom.h("div", { class: "right" }, new Inspector(city).element, Legend.following(city).element);
    city.i18n.bind(this.stage, (node) =>
      node.setAttribute("aria-label", city.i18n.t("app.view", { name: city.i18n.title(manifest.titles, manifest.name) })),
    );
    this.app.append(
      this.skipLink(),
      this.topBar.element,
      this.left,
      this.compare.element,
      this.stage,
      right,
      this.tools.element,
      new Toolbar(city).element,
      this.menu.element,
      this.timeBar.element,
      new StatusBar(city, manifest).element,
      this.help.element,
      this.loading,
      city.notices.element,
    );
    if (!same) this.tools.reset();
    this.showLeft(this.outer.clientWidth >= 900);
    if (city.engine) this.labels ??= new Labels(city, city.engine);
    this.labels?.load(manifest);
    this.refreshSliders();
  }

  loaded(): void {
    this.loading.hidden = true;
    this.refreshSliders();
  }

  /** Says that there will be no picture, and why. */
  fail(message: string): void {
    const { dom, i18n } = this.city;
    this.loading.replaceChildren(dom.icon("warning"), i18n.bind(dom.h("span"), (n) => (n.textContent = i18n.t("app.webgl", { message }))));
    this.loading.setAttribute("role", "alert");
  }

  focusSearch(): void {
    this.topBar?.focusSearch();
  }

  toggleHelp(): void {
    this.help.toggle();
  }

  get menuOpen(): boolean {
    return this.menu.open;
  }

  toggleMenu(): void {
    this.menu.toggle();
  }

  /** The slider of the live past. */
  openPast(): Promise<void> {
    if (this.city.manifest?.live_url) return this.timeBar?.history.open() ?? Promise.resolve();
    this.city.notices.show(this.city.i18n.t("past.none"), "info");
    return Promise.resolve();
  }

  async fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.outer.requestFullscreen();
  }

  showLeft(shown: boolean): void {
    this.left.hidden = !shown;
    this.app.classList.toggle("left-open", shown);
    this.topBar?.markLeft(shown);
  }

  /** Makes room for some views and their panel, or gives it back. */
  split(mode: CompareMode | null, views = 2): void {
    this.app.classList.toggle("comparing", mode !== null);
    for (const name of ["pair", "swipe", "grid"]) this.stage.classList.toggle(name, name === mode);
    this.stage.classList.toggle("split", mode !== null);
    this.stage.dataset.views = String(mode ? views : 1);
  }

  get leftShown(): boolean {
    return !this.left.hidden;
  }

  /** Closes what Escape closes first; says whether there was something. */
  closeTransient(): boolean {
    return this.help.close() || this.menu.close() || (this.topBar?.closeResults() ?? false) || this.tools.escape() || this.compare.close();
  }

  /** Paints the filled part of every slider. */
  refreshSliders(): void {
    for (const slider of this.app.querySelectorAll("input[type=range]")) fillSlider(slider);
  }

  dispose(): void {
    this.timeBar?.dispose();
    this.labels?.dispose();
    this.outer.remove();
  }

  private skipLink(): HTMLElement {
    const link = this.city.dom.h("a", { class: "skip", text: "app.skip", attributes: { href: "#view" } });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.stage.focus();
    });
    return link;
  }
}

export function fillSlider(target: EventTarget | null): void {
  if (!(target instanceof HTMLInputElement) || target.type !== "range") return;
  const low = Number(target.min || 0);
  const high = Number(target.max || 100);
  target.style.setProperty("--fill", `${((Number(target.value) - low) / (high - low || 1)) * 100}%`);
}
