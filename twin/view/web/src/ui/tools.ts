/** The small windows of the tools: measurements, section plane, underground view. */
import type { Measurement, MeasureKind, SectionPlane } from "../engine/api";
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { fillSlider } from "./shell";

const HINTS: Record<MeasureKind, Key> = {
  distance: "measure.hint.distance",
  height: "measure.hint.height",
  area: "measure.hint.area",
};
const NAMES: Record<MeasureKind, Key> = { distance: "measure.distance", height: "measure.height", area: "measure.area" };
const AXES: [SectionPlane["axis"], Key][] = [
  ["z", "section.z"],
  ["x", "section.x"],
  ["y", "section.y"],
  ["free", "section.free"],
];

export class Tools {
  readonly element: HTMLElement;
  measuring: MeasureKind | null = null;
  undergroundOpen = false;
  private someHidden = false;
  private done: Measurement[] = [];
  private current: Measurement | null = null;
  private listening = false;

  constructor(private readonly app: CityApp) {
    this.element = app.dom.h("div", { class: "tools" });
    app.i18n.onChange(() => this.show());
    app.on("tools", () => this.syncUnderground());
  }

  get sectionOpen(): boolean {
    return this.app.state.section !== null;
  }

  startMeasure(kind: MeasureKind): void {
    this.listen();
    if (this.measuring === kind) return this.stopMeasure();
    this.measuring = kind;
    this.current = null;
    this.app.engine?.startMeasure(kind);
    this.update();
  }

  stopMeasure(): void {
    this.measuring = null;
    this.current = null;
    this.app.engine?.stopMeasure();
    this.update();
  }

  toggleSection(): void {
    const bounds = this.app.manifest?.bounds;
    const middle = bounds ? (bounds[2] + bounds[5]) / 4 : 0;
    this.app.setSection(this.app.state.section ? null : { axis: "z", offset: middle, azimuth_deg: 0, flipped: false });
    this.show();
  }

  toggleUnderground(): void {
    this.undergroundOpen = !this.undergroundOpen;
    this.app.setUnderground(this.undergroundOpen ? 0.7 : 0);
    this.show();
  }

  /** Offers the way back to objects that were hidden one by one. */
  markHidden(): void {
    this.someHidden = true;
    this.show();
  }

  /** Ends a running tool; says whether there was one. */
  escape(): boolean {
    if (!this.measuring) return false;
    this.stopMeasure();
    return true;
  }

  private listen(): void {
    if (this.listening || !this.app.engine) return;
    this.listening = true;
    this.app.engine.on("measure", (measurement) => {
      this.current = measurement?.done ? null : measurement;
      if (measurement?.done) {
        this.done.push(measurement);
        this.app.backend.emit("measure", measurement);
      }
      this.show();
    });
  }

  private syncUnderground(): void {
    const open = this.app.state.underground > 0 || this.undergroundOpen;
    const known = this.element.querySelector(".underground-card") !== null;
    const section = this.element.querySelector(".section-card") !== null;
    this.undergroundOpen = open;
    if (open !== known || section !== this.sectionOpen) this.show();
  }

  private update(): void {
    this.show();
    this.app.fire("tools", null);
  }

  private show(): void {
    const cards: HTMLElement[] = [];
    if (this.measuring || this.done.length) cards.push(this.measureCard());
    if (this.app.state.section) cards.push(this.sectionCard(this.app.state.section));
    if (this.undergroundOpen) cards.push(this.undergroundCard());
    if (this.someHidden) cards.push(this.hiddenChip());
    this.element.replaceChildren(...cards);
    for (const slider of this.element.querySelectorAll("input[type=range]")) fillSlider(slider);
  }

  private hiddenChip(): HTMLElement {
    const showAll = (): void => {
      this.someHidden = false;
      for (const engine of this.app.engines) {
        engine.showAll();
        this.app.variants.again(engine);
      }
      this.show();
    };
    return this.app.dom.button("props.showall", showAll, "button card show-all", "eye");
  }

  private card(name: string, title: Key, close: () => void, ...children: (HTMLElement | null)[]): HTMLElement {
    const { dom } = this.app;
    return dom.h(
      "section",
      { class: `card tool-card ${name}-card` },
      dom.h("header", {}, dom.h("strong", { class: "grow", text: title }), dom.iconButton("close", "panel.close", close, { class: "small" })),
      ...children,
    );
  }

  private measureCard(): HTMLElement {
    const { dom } = this.app;
    const rows = [...this.done, ...(this.current ? [this.current] : [])].map((each) => this.measurement(each));
    const clear = (): void => {
      this.done = [];
      this.app.engine?.clearMeasures();
      this.stopMeasure();
    };
    return this.card(
      "measure", "measure.title", clear,
      this.measuring && dom.h("p", { class: "hint", text: HINTS[this.measuring] }),
      dom.h("ol", { class: "measurements" }, ...rows),
      this.done.length ? dom.button("measure.clear", clear, "button quiet") : null,
    );
  }

  private measurement(each: Measurement): HTMLElement {
    const { dom, i18n } = this.app;
    const area = each.kind === "area";
    const value = area ? i18n.squareMetres(each.value) : i18n.metres(each.value);
    const details = area
      ? i18n.t("measure.plan", { value: i18n.squareMetres(each.horizontal) })
      : [i18n.t("measure.horizontal", { value: i18n.metres(each.horizontal) }), i18n.t("measure.vertical", { value: i18n.metres(each.vertical) })].join(" · ");
    return dom.h("li", {}, dom.h("span", {}, i18n.t(NAMES[each.kind])), dom.h("strong", {}, value), dom.h("small", {}, details));
  }

  private sectionCard(plane: SectionPlane): HTMLElement {
    const { app } = this;
    const { dom } = app;
    const change = (patch: Partial<SectionPlane>): void => {
      const now = app.state.section;
      if (now) app.setSection({ ...now, ...patch });
    };
    const axes = AXES.map(([axis, key]) => {
      const button = dom.h("button", { class: "segment", text: key, attributes: { type: "button", "aria-pressed": axis === plane.axis } });
      button.addEventListener("click", () => {
        change({ axis, offset: this.middle(axis) });
        this.show();
      });
      return button;
    });
    const [low, high] = this.range(plane.axis);
    return this.card(
      "section", "section.title", () => this.toggleSection(),
      dom.h("div", { class: "segments", label: "section.axis", attributes: { role: "group" } }, ...axes),
      this.slider("section.offset", [low, high, 0.1], plane.offset, " m", (offset) => change({ offset })),
      plane.axis === "free" ? this.slider("section.azimuth", [0, 180, 1], plane.azimuth_deg, "°", (azimuth_deg) => change({ azimuth_deg })) : null,
      dom.button("section.flip", () => change({ flipped: !app.state.section?.flipped }), "button quiet", "flip"),
    );
  }

  private range(axis: SectionPlane["axis"]): [number, number] {
    const b = this.app.manifest?.bounds ?? [-1, -1, -1, 1, 1, 1];
    if (axis === "z") return [b[2], b[5]];
    if (axis === "x") return [b[0], b[3]];
    if (axis === "y") return [b[1], b[4]];
    const reach = Math.hypot(Math.max(-b[0], b[3]), Math.max(-b[1], b[4]));
    return [-reach, reach];
  }

  private middle(axis: SectionPlane["axis"]): number {
    const [low, high] = this.range(axis);
    return axis === "z" ? low + (high - low) / 4 : (low + high) / 2;
  }

  private undergroundCard(): HTMLElement {
    return this.card(
      "underground", "underground.title", () => this.toggleUnderground(),
      this.slider("underground.amount", [0, 1, 0.05], this.app.state.underground, "", (amount) => this.app.setUnderground(amount)),
    );
  }

  private slider(label: Key, [min, max, step]: [number, number, number], value: number, unit: string, apply: (value: number) => void): HTMLElement {
    const { dom, i18n } = this.app;
    const input = dom.h("input", { label, attributes: { type: "range", min, max, step, value } });
    const output = dom.h("output");
    const show = (): void => {
      output.textContent = unit ? `${i18n.number(Number(input.value), 1)}${unit}` : `${Math.round(Number(input.value) * 100)} %`;
    };
    show();
    input.addEventListener("input", () => {
      apply(Number(input.value));
      show();
    });
    return dom.h("label", { class: "slider" }, dom.h("span", { text: label }), output, input);
  }
}
