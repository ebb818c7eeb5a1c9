/** What every tool's small window is made of. */
import type { Vec3 } from "../../engine/api";
import type { Key } from "../../i18n";
import type { CityApp } from "../app";
import type { Child } from "../dom";
import { fillSlider } from "../shell";

/** A tool with a small window beside the panels. */
export interface Tool {
  readonly open: boolean;
  readonly element: HTMLElement;
  /** Ends what is going on in it; says whether something was. */
  escape?(): boolean;
  /** Another scene has come. */
  reset?(): void;
}

/** A tool that asks for points of the city and shows what it finds about them. */
export abstract class AskingTool implements Tool {
  abstract readonly element: HTMLElement;
  open = false;

  constructor(
    protected readonly app: CityApp,
    private readonly kind: "point" | "outline",
  ) {
    app.i18n.onChange(() => this.show());
  }

  toggle(): void {
    if (this.open) this.close();
    else this.ask();
  }

  escape(): boolean {
    if (!this.open) return false;
    this.close();
    return true;
  }

  reset(): void {
    this.close();
  }

  protected ask(): void {
    this.open = true;
    this.app.shell.tools.measure.ask(this.kind, ({ points }) => this.take(points));
    this.show();
    this.app.fire("tools", null);
  }

  protected close(): void {
    if (this.open) this.app.shell.tools.measure.stop();
    this.open = false;
    this.forget();
    this.app.fire("tools", null);
  }

  /** The points that were asked for. */
  protected abstract take(points: Vec3[]): void;
  /** Takes back what was found and drawn. */
  protected abstract forget(): void;
  /** Says what was found, or what to do. */
  protected abstract show(): void;
}

export function toolCard(app: CityApp, name: string, title: Key, close: () => void, ...children: Child[]): HTMLElement {
  const { dom } = app;
  const card = dom.h(
    "section",
    { class: `card tool-card ${name}-card`, label: title, attributes: { role: "group" } },
    dom.h("header", {}, dom.h("strong", { class: "grow", text: title }), dom.iconButton("close", "panel.close", close, { class: "small" })),
    ...children,
  );
  card.removeAttribute("title");
  return card;
}

export interface Slider {
  element: HTMLElement;
  set(value: number, range?: [number, number]): void;
}

/** A slider with its value beside its name; without a unit the value is a share. */
export function slider(app: CityApp, label: Key, [min, max, step]: [number, number, number], start: number, unit: string, apply: (value: number) => void): Slider {
  const { dom, i18n } = app;
  const input = dom.h("input", { label, attributes: { type: "range", min, max, step, value: start } });
  const output = dom.h("output");
  const show = (): void => {
    output.textContent = unit ? `${i18n.number(Number(input.value), 1)}${unit}` : `${Math.round(Number(input.value) * 100)} %`;
    fillSlider(input);
  };
  show();
  input.addEventListener("input", () => {
    apply(Number(input.value));
    show();
  });
  const set = (value: number, range?: [number, number]): void => {
    if (range) [input.min, input.max] = [String(range[0]), String(range[1])];
    input.value = String(value);
    show();
  };
  return { element: dom.h("label", { class: "slider" }, dom.h("span", { text: label }), output, input), set };
}

/** Buttons of which one is pressed. */
export function segments<T extends string>(app: CityApp, label: Key, choices: [T, Key][], current: T, choose: (value: T) => void): HTMLElement {
  const { dom } = app;
  const buttons = choices.map(([value, key]) => {
    const button = dom.h("button", { class: "segment", text: key, attributes: { type: "button", "aria-pressed": String(value === current) } });
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      choose(value);
    });
    return button;
  });
  const group = dom.h("div", { class: "segments", label, attributes: { role: "group" } }, ...buttons);
  group.removeAttribute("title");
  return group;
}

/** A choice of a list, with its name above. */
export function choice(app: CityApp, label: Key, options: [string, string][], current: string, choose: (value: string) => void): HTMLElement {
  const { dom } = app;
  const select = dom.h("select", { label }, ...options.map(([value, text]) => dom.h("option", { attributes: { value } }, text)));
  select.removeAttribute("title");
  select.value = current;
  select.addEventListener("change", () => choose(select.value));
  return dom.h("label", { class: "field" }, dom.h("span", { text: label }), select);
}

/** A number with its name before it and its unit behind. */
export function numberField(app: CityApp, label: Key, value: number, unit: string, change: (value: number) => void, attributes: Record<string, number> = {}): HTMLElement {
  const { dom } = app;
  const input = dom.h("input", { label, attributes: { type: "number", step: "any", value: Number(value.toFixed(2)), ...attributes } });
  input.addEventListener("change", () => Number.isFinite(input.valueAsNumber) && change(input.valueAsNumber));
  return dom.h("label", { class: "number-field" }, dom.h("span", { class: "grow", text: label }), input, unit ? dom.h("span", { class: "unit" }, unit) : null);
}
