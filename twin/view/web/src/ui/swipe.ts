/** The divider of two views that lie upon each other: left of it one is seen, right of it the other. */
import type { CityApp } from "./app";

const STEP = 0.02;
const FAR_STEP = 0.1;

export class Divider {
  readonly element: HTMLElement;

  constructor(
    app: CityApp,
    private readonly stage: HTMLElement,
    private place: number,
    private readonly moved: (place: number) => void,
  ) {
    const { dom } = app;
    this.element = dom.h(
      "div",
      { class: "divider-line", label: "compare.divider", attributes: { role: "slider", tabindex: "0", "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100 } },
      dom.h("span", { class: "divider-grip" }, dom.icon("swipe")),
    );
    this.element.addEventListener("pointerdown", (event) => this.grab(event));
    this.element.addEventListener("keydown", (event) => this.press(event));
    this.element.addEventListener("dblclick", () => this.set(0.5));
    this.show();
  }

  /** Share of the picture left of it. */
  get at(): number {
    return this.place;
  }

  set(place: number): void {
    this.place = Math.min(1, Math.max(0, place));
    this.show();
    this.moved(this.place);
  }

  private show(): void {
    this.stage.style.setProperty("--divider", String(this.place));
    this.element.setAttribute("aria-valuenow", String(Math.round(this.place * 100)));
    this.element.setAttribute("aria-valuetext", `${Math.round(this.place * 100)} %`);
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    const drag = (move: PointerEvent): void => {
      const { left, width } = this.stage.getBoundingClientRect();
      this.set((move.clientX - left) / Math.max(1, width));
    };
    this.element.addEventListener("pointermove", drag);
    const end = (): void => this.element.removeEventListener("pointermove", drag);
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) this.element.addEventListener(name, end, { once: true });
  }

  private press(event: KeyboardEvent): void {
    const step = event.shiftKey ? FAR_STEP : STEP;
    const to: Record<string, number> = { ArrowLeft: this.place - step, ArrowRight: this.place + step, ArrowDown: this.place - step, ArrowUp: this.place + step, Home: 0, End: 1 };
    const place = to[event.key];
    if (place === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    this.set(place);
    event.preventDefault();
    event.stopPropagation();
  }
}
