/** A form for parameters that are declared by JSON Schema. */
import type { ParameterSpec, SimulationSpec, Titles } from "../engine/api";
import type { CityApp } from "./app";
import { fieldOfView, type FormField } from "./fields";

type Input = HTMLInputElement | HTMLSelectElement;

const DATE_PATTERN = "^\\d{4}-\\d{2}-\\d{2}$";

export class ParameterForm {
  readonly element: HTMLElement;
  private readonly fields = new Map<string, FormField>();

  constructor(
    private readonly app: CityApp,
    readonly spec: SimulationSpec,
    earlier: Record<string, string>,
    detailsOpen = false,
  ) {
    const { dom } = app;
    const rows = spec.parameters.map((parameter) => ({ plain: isPlain(parameter), element: this.row(parameter, earlier[parameter.name]) }));
    const details = rows.filter((row) => !row.plain).map((row) => row.element);
    this.element = dom.h(
      "div",
      { class: "parameters" },
      ...rows.filter((row) => row.plain).map((row) => row.element),
      details.length > 0 &&
        dom.h("details", { class: "more", attributes: { open: detailsOpen } }, dom.h("summary", {}, dom.h("span", { class: "grow", text: "form.more" }), dom.icon("chevron", "icon chevron")), ...details),
    );
  }

  get detailsOpen(): boolean {
    return this.element.querySelector("details")?.open ?? false;
  }

  raw(): Record<string, string> {
    return Object.fromEntries([...this.fields].map(([name, field]) => [name, field.raw()]));
  }

  /** The inputs as JSON values; null after saying which one is not right. */
  values(): Record<string, unknown> | null {
    const found: Record<string, unknown> = {};
    for (const parameter of this.spec.parameters) {
      const field = this.fields.get(parameter.name);
      const message = field?.problem();
      if (message) {
        const name = this.app.i18n.title(parameter.titles, parameter.name);
        this.app.notices.show(this.app.i18n.t("error.input", { name, message }), "error");
        for (const details of this.element.querySelectorAll("details")) details.open = true;
        field?.focus();
        return null;
      }
      const value = field?.value();
      if (value !== undefined) found[parameter.name] = value;
    }
    return found;
  }

  private row(parameter: ParameterSpec, earlier: string | undefined): HTMLElement {
    const field = fieldOfView(this.app, parameter) ?? new InputField(this.app, parameter);
    field.restore(earlier ?? text(parameter.default));
    this.fields.set(parameter.name, field);
    return field.element;
  }
}

class InputField implements FormField {
  readonly element: HTMLElement;
  private readonly input: Input;

  constructor(
    private readonly app: CityApp,
    private readonly parameter: ParameterSpec,
  ) {
    const { dom, i18n } = app;
    this.input = this.make();
    const unit = parameter.unit && parameter.unit !== "1" ? ` (${parameter.unit})` : "";
    const label = dom.h("span", {}, i18n.title(parameter.titles, parameter.name) + unit);
    this.element = dom.h("label", { class: isCheck(this.input) ? "field check" : "field", attributes: { "data-parameter": parameter.name } }, label, this.input);
  }

  raw(): string {
    return isCheck(this.input) ? String(this.input.checked) : this.input.value;
  }

  restore(start: string): void {
    if (isCheck(this.input)) this.input.checked = start === "true";
    else this.input.value = start;
  }

  problem(): string {
    if (!this.input.checkValidity()) return this.input.validationMessage;
    try {
      this.value();
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  focus(): void {
    this.input.focus();
  }

  value(): unknown {
    const { input } = this;
    if (isCheck(input)) return input.checked;
    if (input.value === "") return undefined;
    const { schema } = this.parameter;
    if (Array.isArray(schema.enum)) return schema.enum.find((value) => text(value) === input.value);
    if (schema.type === "number" || schema.type === "integer") return Number(input.value);
    if (schema.type === "array" || schema.type === "object") return JSON.parse(input.value);
    return input.value;
  }

  private make(): Input {
    const { dom, i18n } = this.app;
    const { schema } = this.parameter;
    if (Array.isArray(schema.enum)) {
      const titles = (schema["x-titles"] ?? {}) as Record<string, Titles>;
      const option = (value: string): HTMLElement => dom.h("option", { attributes: { value } }, i18n.title(titles[value], value));
      return dom.h("select", {}, ...schema.enum.map((value) => option(text(value))));
    }
    const attributes: Record<string, string | number | boolean> = {};
    if (schema.type === "boolean") attributes.type = "checkbox";
    else if (schema.type === "number" || schema.type === "integer") {
      attributes.type = "number";
      attributes.step = schema.type === "integer" ? 1 : "any";
      if (typeof schema.minimum === "number") attributes.min = schema.minimum;
      if (typeof schema.maximum === "number") attributes.max = schema.maximum;
    } else if (schema.format === "date" || schema.pattern === DATE_PATTERN) attributes.type = "date";
    else attributes.type = "text";
    return dom.h("input", { attributes });
  }
}

/** What a planner decides each time; numbers that have a sensible value are details. */
function isPlain({ schema, default: start }: ParameterSpec): boolean {
  if (Array.isArray(schema.enum) || schema.type === "boolean" || schema.type === "array") return true;
  return schema.type === "string" && (start === null || start === undefined);
}

function isCheck(input: Input): input is HTMLInputElement {
  return input instanceof HTMLInputElement && input.type === "checkbox";
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
