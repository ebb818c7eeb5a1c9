/** Simulations: the scenario, a form made of the declared parameters, a run with progress, and the result. */
import type { SimulationResult } from "../backend/messages";
import type { SceneManifest, SimulationSpec } from "../engine/api";
import type { CityApp } from "./app";
import { section } from "./card";
import { ParameterForm } from "./form";
import { JobBar } from "./job";
import { resultCard } from "./result";
import { takeResults } from "./sharing";

export interface SimulationRequest {
  spec: SimulationSpec;
  inputs: Record<string, unknown>;
}

export class SimulationPanel {
  readonly element: HTMLElement;
  private readonly choice: HTMLSelectElement;
  private readonly scenario: HTMLSelectElement;
  private readonly formBox: HTMLElement;
  private readonly resultBox: HTMLElement;
  private readonly bar: JobBar;
  private readonly compare: HTMLButtonElement;
  private form: ParameterForm | null = null;

  constructor(
    private readonly app: CityApp,
    private readonly first: SceneManifest,
  ) {
    const { manifest } = this;
    const { dom } = app;
    const some = manifest.simulations.length > 0;
    this.choice = dom.h("select", { label: "sim.choose" });
    this.scenario = dom.h("select", { label: "sim.scenario" });
    this.formBox = dom.h("div", { class: "form" });
    this.resultBox = dom.h("div", { class: "sim-results" });
    this.compare = dom.button("compare.open", () => void app.shell.compare.open(null, this.variant()), "button quiet compare-open", "compare");
    this.bar = new JobBar(app, "sim.run", "play", () => void this.start(), this.compare);
    const content = some
      ? [this.field("sim.scenario", this.scenario), this.field("sim.choose", this.choice), this.formBox, this.bar.element, this.resultBox]
      : [dom.h("p", { class: "hint", text: "sim.empty" })];
    this.element = section(dom, { title: "sim.title", icon: "flask", open: some, name: "simulations" }, ...content);
    this.choice.addEventListener("change", () => this.showForm());
    this.scenario.addEventListener("change", () => void app.setScenario(this.scenario.value || null).catch((error: unknown) => app.report(error)));
    app.on("scenario", () => this.showScenarios());
    app.on("scenarios", () => this.showScenarios());
    app.on("results", () => this.showResults());
    app.i18n.onChange(() => this.refresh());
    this.refresh();
  }

  /** The chosen simulation with the inputs of the form; null after saying what is wrong. */
  request(): SimulationRequest | null {
    const { spec } = this;
    const inputs = spec && this.form?.values();
    return spec && inputs ? { spec, inputs } : null;
  }

  get spec(): SimulationSpec | null {
    return this.manifest.simulations.find((each) => each.id === this.choice.value) ?? this.manifest.simulations[0] ?? null;
  }

  private field(label: "sim.choose" | "sim.scenario", input: HTMLElement): HTMLElement {
    return this.app.dom.h("label", { class: "field" }, this.app.dom.h("span", { text: label }), input);
  }

  private get manifest(): SceneManifest {
    return this.app.manifest ?? this.first;
  }

  /** The scenario that is worth comparing: the chosen one, else the first. */
  private variant(): string | null {
    return this.app.state.scenario ?? this.manifest.scenarios[0]?.name ?? null;
  }

  private refresh(): void {
    const { i18n, dom } = this.app;
    const chosen = this.choice.value;
    const option = (value: string, text: string): HTMLElement => dom.h("option", { attributes: { value } }, text);
    this.choice.replaceChildren(...this.manifest.simulations.map((each) => option(each.id, i18n.title(each.titles, each.id))));
    if (chosen) this.choice.value = chosen;
    this.showScenarios();
    this.showForm();
    this.showResults();
  }

  /** The scenarios as they are now; a form that is being filled in stays. */
  private showScenarios(): void {
    const { i18n, dom, manifest } = this.app;
    const option = (value: string, text: string): HTMLElement => dom.h("option", { attributes: { value } }, text);
    const scenarios = manifest?.scenarios ?? [];
    this.scenario.replaceChildren(option("", i18n.t("sim.base")), ...scenarios.map((each) => option(each.name, each.title || each.name)));
    this.scenario.value = this.app.state.scenario ?? "";
    this.compare.hidden = scenarios.length === 0;
    this.showResults();
  }

  private showForm(): void {
    const { spec } = this;
    if (!spec) return;
    const { dom, i18n } = this.app;
    const same = this.form?.spec.id === spec.id ? this.form : null;
    this.form = new ParameterForm(this.app, spec, same?.raw() ?? {}, same?.detailsOpen ?? false);
    this.formBox.replaceChildren(dom.h("p", { class: "hint" }, i18n.title(spec.description)), this.form.element);
  }

  private async start(): Promise<void> {
    const request = this.request();
    if (request) await this.run({ name: request.spec.id, scenario: this.app.state.scenario, inputs: request.inputs });
  }

  /** Computes a result once more, on the city and the scenario as they are now; it takes the place of the old one. */
  private async again(result: SimulationResult): Promise<void> {
    const { name, scenario, inputs = {}, id } = result;
    this.bar.element.scrollIntoView({ block: "nearest" });
    await this.run({ name, scenario: scenario || null, inputs, replaces: id });
  }

  private async run(params: Record<string, unknown>): Promise<void> {
    const { app } = this;
    const result = await this.bar.ask<SimulationResult>("simulate", params);
    if (!result) return;
    takeResults(app, [...app.results.filter(({ id }) => id !== result.id && id !== result.replaces), result]);
    this.resultBox.firstElementChild?.scrollIntoView({ block: "nearest" });
    await app.showResult(result).catch((error: unknown) => app.report(error));
  }

  private showResults(): void {
    this.resultBox.replaceChildren(...[...this.app.results].reverse().map((result) => resultCard(this.app, result, () => void this.again(result))));
  }
}
