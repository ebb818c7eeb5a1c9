/** A button that starts a job of the server, with its progress and a way to cancel it. */
import type { Key } from "../i18n";
import type { CityApp } from "./app";
import { uniqueId } from "./dom";
import type { IconName } from "./icons";

export class JobBar {
  readonly element: HTMLElement;
  private readonly run: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly progress: HTMLProgressElement;
  private readonly note: HTMLElement;
  private job = "";

  constructor(
    private readonly app: CityApp,
    label: Key,
    icon: IconName,
    start: () => void,
    ...others: HTMLElement[]
  ) {
    const { dom } = app;
    this.progress = dom.h("progress", { label: "sim.progress", attributes: { max: 1, hidden: true } });
    this.note = dom.h("p", { class: "hint", attributes: { role: "status" } });
    this.run = dom.button(label, start, "button primary", icon);
    this.cancel = dom.button("sim.cancel", () => void this.stop(), "button quiet");
    this.cancel.hidden = true;
    this.element = dom.h("div", { class: "job" }, dom.h("div", { class: "row" }, this.run, this.cancel, ...others), this.progress, this.note);
    app.on("job", ({ job, progress, message }) => job === this.job && this.show(progress, message));
  }

  get running(): boolean {
    return this.job !== "";
  }

  /** Asks for a job and waits; null after it failed or was cancelled, which the note explains. */
  async ask<T>(method: string, params: Record<string, unknown>): Promise<T | null> {
    if (this.running) return null;
    this.job = uniqueId("job");
    this.mark();
    try {
      const result = await this.app.ask<T>(method, { ...params, job: this.job });
      this.note.textContent = "";
      return result;
    } catch (error) {
      this.note.textContent = error instanceof Error ? error.message : String(error);
      return null;
    } finally {
      this.job = "";
      this.mark();
    }
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    await this.app.ask("cancel", { job: this.job }).catch((error: unknown) => this.app.report(error));
  }

  private mark(): void {
    const { running } = this;
    this.run.disabled = running;
    this.cancel.hidden = !running;
    this.progress.hidden = !running;
    this.progress.removeAttribute("value");
    if (running) this.note.textContent = this.app.i18n.t("sim.running");
  }

  private show(progress: number, message: string): void {
    this.progress.value = progress;
    this.note.textContent = message || this.app.i18n.t("sim.running");
  }
}
