/** Simulations: a form made of the declared parameters, a run with progress, and the result. */
import type { SimulationResult } from "../backend/messages";
import type { SceneManifest, SimulationSpec } from "../engine/api";
import type { CityApp } from "./app";
import { section } from "./card";
import { uniqueId } from "./dom";
import { ParameterForm } from "./form";
import { resultCard } from "./result";

export class SimulationPanel {
  readonly element: HTMLElement;
  private readonly choice: HTMLSelectElement;
  private readonly scenario: HTMLSelectElement;
  private readonly formBox: HTMLElement;
  private readonly resultBox: HTMLElement;
  private readonly run: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly progress: HTMLProgressElement;
  private readonly note: HTMLElement;
  private form: ParameterForm | null = null;
  private job = "";

  constructor(
    private readonly app: CityApp,
    private readonly manifest: SceneManifest,
  ) {
    const { dom } = app;
    this.choice = dom.h("select", { label: "sim.choose" });
    this.scenario = dom.h("select", { label: "sim.scenario" });
    this.formBox = dom.h("div", { class: "form" });
    this.resultBox = dom.h("div", { class: "sim-results" });
    this.progress = dom.h("progress", { label: "sim.progress", attributes: { max: 1, hidden: true } });
    this.note = dom.h("p", { class: "hint", attributes: { role: "status" } });
    this.run = dom.button("sim.run", () => void this.start(), "button primary", "play");
    this.cancel = dom.button("sim.cancel", () => void this.stop(), "button quiet");
    this.cancel.hidden = true;
    const content = manifest.simulations.length
      ? [
          this.field("sim.choose", this.choice), this.field("sim.scenario", this.scenario), this.formBox,
          dom.h("div", { class: "row" }, this.run, this.cancel), this.progress, this.note, this.resultBox,
        ]
      : [dom.h("p", { class: "hint", text: "sim.empty" })];
    this.element = section(dom, { title: "sim.title", icon: "flask", open: manifest.simulations.length > 0, name: "simulations" }, ...content);
    this.choice.addEventListener("change", () => this.showForm());
    app.i18n.onChange(() => this.refresh());
    app.on("job", ({ job, progress, message }) => job === this.job && this.showProgress(progress, message));
    this.refresh();
  }

  private field(label: "sim.choose" | "sim.scenario", input: HTMLElement): HTMLElement {
    return this.app.dom.h("label", { class: "field" }, this.app.dom.h("span", { text: label }), input);
  }

  private get spec(): SimulationSpec | null {
    return this.manifest.simulations.find((each) => each.id === this.choice.value) ?? this.manifest.simulations[0] ?? null;
  }

  private refresh(): void {
    const { i18n, dom } = this.app;
    const chosen = this.choice.value;
    const scenario = this.scenario.value;
    const option = (value: string, text: string): HTMLElement => dom.h("option", { attributes: { value } }, text);
    this.choice.replaceChildren(...this.manifest.simulations.map((each) => option(each.id, i18n.title(each.titles, each.id))));
    if (chosen) this.choice.value = chosen;
    const scenarios = this.manifest.scenarios.map((each) => option(each.name, each.title || each.name));
    this.scenario.replaceChildren(option("", i18n.t("sim.base")), ...scenarios);
    this.scenario.value = scenario;
    this.showForm();
    this.showResults();
  }

  private showForm(): void {
    const { spec } = this;
    if (!spec) return;
    const { dom, i18n } = this.app;
    const earlier = this.form?.spec.id === spec.id ? this.form.raw() : {};
    this.form = new ParameterForm(this.app, spec, earlier);
    this.formBox.replaceChildren(dom.h("p", { class: "hint" }, i18n.title(spec.description)), this.form.element);
  }

  private async start(): Promise<void> {
    const { app, spec } = this;
    if (!spec || !this.form || this.job) return;
    const inputs = this.form.values();
    if (!inputs) return;
    this.job = uniqueId("job");
    this.setRunning(true);
    try {
      const params = { name: spec.id, scenario: this.scenario.value || null, inputs, job: this.job };
      const result = await app.ask<SimulationResult>("simulate", params);
      app.results.push(result);
      for (const overlay of result.overlays) app.addOverlay(overlay);
      this.showResults();
      const first = result.overlays[0];
      if (first) await app.setOverlay(first.name);
      this.note.textContent = "";
    } catch (error) {
      this.note.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.job = "";
      this.setRunning(false);
    }
  }

  private async stop(): Promise<void> {
    try {
      await this.app.ask("cancel", { job: this.job });
    } catch (error) {
      this.app.report(error);
    }
  }

  private setRunning(running: boolean): void {
    this.run.disabled = running;
    this.cancel.hidden = !running;
    this.progress.hidden = !running;
    this.progress.removeAttribute("value");
    if (running) this.note.textContent = this.app.i18n.t("sim.running");
  }

  private showProgress(progress: number, message: string): void {
    this.progress.value = progress;
    this.note.textContent = message || this.app.i18n.t("sim.running");
  }

  private showResults(): void {
    this.resultBox.replaceChildren(...[...this.app.results].reverse().map((result) => resultCard(this.app, result)));
  }
}
