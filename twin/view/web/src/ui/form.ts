/** A form for parameters that are declared by JSON Schema. */
import type { ParameterSpec, SimulationSpec } from "../engine/api";
import type { CityApp } from "./app";

type Input = HTMLInputElement | HTMLSelectElement;

export class ParameterForm {
  readonly element: HTMLElement;
  private readonly inputs = new Map<string, Input>();

  constructor(
    private readonly app: CityApp,
    readonly spec: SimulationSpec,
    earlier: Record<string, string>,
  ) {
    this.element = app.dom.h("div", { class: "parameters" }, ...spec.parameters.map((parameter) => this.row(parameter, earlier[parameter.name])));
  }

  /** What stands in the inputs, to carry it over to a new form. */
  raw(): Record<string, string> {
    return Object.fromEntries([...this.inputs].map(([name, input]) => [name, isCheck(input) ? String(input.checked) : input.value]));
  }

  /** The inputs as JSON values; null after saying which one is not right. */
  values(): Record<string, unknown> | null {
    const found: Record<string, unknown> = {};
    for (const parameter of this.spec.parameters) {
      const input = this.inputs.get(parameter.name);
      if (!input) continue;
      if (!input.checkValidity()) {
        const name = this.app.i18n.title(parameter.titles, parameter.name);
        this.app.notices.show(this.app.i18n.t("error.input", { name, message: input.validationMessage }), "error");
        input.focus();
        return null;
      }
      const value = read(parameter, input);
      if (value !== undefined) found[parameter.name] = value;
    }
    return found;
  }

  private row(parameter: ParameterSpec, earlier: string | undefined): HTMLElement {
    const { dom, i18n } = this.app;
    const input = this.input(parameter);
    const start = earlier ?? text(parameter.default);
    if (isCheck(input)) input.checked = start === "true";
    else input.value = start;
    this.inputs.set(parameter.name, input);
    const unit = parameter.unit && parameter.unit !== "1" ? ` (${parameter.unit})` : "";
    return dom.h("label", { class: isCheck(input) ? "field check" : "field" }, dom.h("span", {}, i18n.title(parameter.titles, parameter.name) + unit), input);
  }

  private input(parameter: ParameterSpec): Input {
    const { dom } = this.app;
    const { schema } = parameter;
    if (Array.isArray(schema.enum)) {
      return dom.h("select", {}, ...schema.enum.map((value) => dom.h("option", { attributes: { value: text(value) } }, text(value))));
    }
    const attributes: Record<string, string | number | boolean> = {};
    if (schema.type === "boolean") attributes.type = "checkbox";
    else if (schema.type === "number" || schema.type === "integer") {
      attributes.type = "number";
      attributes.step = schema.type === "integer" ? 1 : "any";
      if (typeof schema.minimum === "number") attributes.min = schema.minimum;
      if (typeof schema.maximum === "number") attributes.max = schema.maximum;
    } else if (schema.format === "date") attributes.type = "date";
    else attributes.type = "text";
    return dom.h("input", { attributes });
  }
}

function isCheck(input: Input): input is HTMLInputElement {
  return input instanceof HTMLInputElement && input.type === "checkbox";
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function read(parameter: ParameterSpec, input: Input): unknown {
  if (isCheck(input)) return input.checked;
  if (input.value === "") return undefined;
  const { schema } = parameter;
  if (Array.isArray(schema.enum)) return schema.enum.find((value) => text(value) === input.value);
  if (schema.type === "number" || schema.type === "integer") return Number(input.value);
  if (schema.type === "array" || schema.type === "object") return JSON.parse(input.value);
  return input.value;
}
