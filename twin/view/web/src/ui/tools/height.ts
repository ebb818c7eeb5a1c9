/** The height of a building in three numbers that agree: metres, storeys, and metres of a storey. */
import type { CityApp } from "../app";
import { numberField } from "./card";

const LEAST_M = 0.5;
const MOST_M = 1500;
const FIRST_STOREYS = 6;
const FIRST_STOREY_M = 3;

export class HeightFields {
  readonly element: HTMLElement;
  height_m = FIRST_STOREYS * FIRST_STOREY_M;
  storeys = FIRST_STOREYS;
  storey_m = FIRST_STOREY_M;
  private readonly inputs: Record<"height" | "storeys" | "storey", HTMLInputElement>;

  constructor(
    app: CityApp,
    private readonly changed: () => void,
    finish: () => void,
  ) {
    const height = numberField(app, "draw.height", this.height_m, "m", (value) => this.set(value, Math.max(1, Math.round(value / this.storey_m))), { min: LEAST_M, max: MOST_M });
    const storeys = numberField(app, "draw.storeys", this.storeys, "", (value) => this.set(Math.max(1, Math.round(value)) * this.storey_m, Math.max(1, Math.round(value))), { min: 1, step: 1 });
    const storey = numberField(app, "draw.storey", this.storey_m, "m", (value) => {
      this.storey_m = Math.min(30, Math.max(1, value));
      this.set(this.storeys * this.storey_m, this.storeys);
    }, { min: 1, max: 30 });
    const input = (field: HTMLElement): HTMLInputElement => field.querySelector("input") as HTMLInputElement;
    this.inputs = { height: input(height), storeys: input(storeys), storey: input(storey) };
    this.element = app.dom.h("div", { class: "tool-body height-fields" }, height, storeys, storey);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      // The number that is being typed counts.
      (event.target as HTMLElement).dispatchEvent(new Event("change"));
      finish();
    });
  }

  /** The pointer pulls: whole storeys, or free to a tenth of a metre. */
  pull(height_m: number, free: boolean): void {
    const storeys = Math.max(1, Math.round(height_m / this.storey_m));
    this.set(free ? Math.round(height_m * 10) / 10 : storeys * this.storey_m, storeys, false);
  }

  /** A key that begins a height. */
  type(key: string): void {
    this.inputs.height.value = /\d/.test(key) ? key : "";
    this.inputs.height.focus();
  }

  private set(height_m: number, storeys: number, tell = true): void {
    this.height_m = Number(Math.min(MOST_M, Math.max(LEAST_M, height_m)).toFixed(2));
    this.storeys = storeys;
    this.show();
    if (tell) this.changed();
  }

  private show(): void {
    this.inputs.height.value = String(this.height_m);
    this.inputs.storeys.value = String(this.storeys);
    this.inputs.storey.value = String(this.storey_m);
  }
}
