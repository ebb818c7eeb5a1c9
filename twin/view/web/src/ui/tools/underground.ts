/** Looking through the ground. */
import type { CityApp } from "../app";
import { slider, type Slider, type Tool, toolCard } from "./card";

const FIRST = 0.7;

export class UndergroundTool implements Tool {
  readonly element: HTMLElement;
  private readonly amount: Slider;
  private wanted = false;

  constructor(private readonly app: CityApp) {
    this.amount = slider(app, "underground.amount", [0, 1, 0.05], app.state.underground, "", (amount) => app.setUnderground(amount));
    this.element = toolCard(app, "underground", "underground.title", () => this.toggle(), this.amount.element);
    app.on("tools", () => this.amount.set(app.state.underground));
  }

  get open(): boolean {
    return this.wanted || this.app.state.underground > 0;
  }

  toggle(): void {
    this.wanted = !this.open;
    this.app.setUnderground(this.wanted ? FIRST : 0);
  }
}
