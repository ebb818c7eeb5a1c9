/** Flies from one kept view to the next, and stays a while at each. */
import type { CityApp } from "./app";

const LEAST_FLIGHT_S = 1.5;

export class Tour {
  /** Place of the view that is shown or flown to, -1 = no tour runs. */
  at = -1;
  flight_s = 4;
  stay_s = 3;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended: AbortController | null = null;

  constructor(private readonly app: CityApp) {}

  get running(): boolean {
    return this.at >= 0;
  }

  toggle(): void {
    if (this.running) this.stop();
    else this.start();
  }

  start(): void {
    const { app } = this;
    if (app.keeping.views.length === 0) return app.notices.show(app.i18n.t("views.none"), "info");
    this.ended = new AbortController();
    for (const type of ["pointerdown", "wheel"]) app.shell.stage.addEventListener(type, () => this.stop(), { signal: this.ended.signal, passive: true });
    this.go(0);
  }

  /** Says whether one was running. */
  stop(): boolean {
    if (!this.running) return false;
    clearTimeout(this.timer);
    this.ended?.abort();
    this.at = -1;
    this.app.fire("kept", null);
    this.app.fire("tools", null);
    return true;
  }

  private go(place: number): void {
    const { app } = this;
    const view = app.keeping.views[place];
    if (!view) {
      this.stop();
      return;
    }
    this.at = place;
    app.fire("kept", null);
    app.fire("tools", null);
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seconds = still ? 0 : Math.max(place === 0 ? LEAST_FLIGHT_S : 0, this.flight_s);
    void app.show(app.keeping.stateOf(view), seconds).catch((error: unknown) => app.report(error));
    this.timer = setTimeout(() => this.go(place + 1), (seconds + this.stay_s) * 1000);
  }
}
