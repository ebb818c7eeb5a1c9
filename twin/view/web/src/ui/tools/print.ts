/** Printing: a sheet with title, legend, scale bar and north arrow, as PNG or PDF. */
import type { CityApp } from "../app";
import { pdfOf } from "../pdf";
import { type Paper, type Sheet, type SheetOptions, sheetOf } from "../sheet";
import type { Key } from "../../i18n";
import { segments, type Tool, toolCard } from "./card";

const QUALITY = 0.92;
type Part = "legend" | "scale" | "north";

export class PrintTool implements Tool {
  readonly element: HTMLElement;
  open = false;
  private readonly title: HTMLInputElement;
  private readonly buttons: HTMLButtonElement[];
  private readonly options: SheetOptions = { title: "", paper: "a4", landscape: true, legend: true, scale: true, north: true };

  constructor(private readonly app: CityApp) {
    const { dom } = app;
    this.title = dom.h("input", { label: "print.heading", attributes: { type: "text", maxlength: 120 } });
    this.title.removeAttribute("title");
    const check = (part: Part, label: Key): HTMLElement => {
      const box = dom.h("input", { attributes: { type: "checkbox", checked: true } });
      box.addEventListener("change", () => (this.options[part] = box.checked));
      return dom.h("label", { class: "row" }, box, dom.h("span", { text: label }));
    };
    this.buttons = [dom.button("print.pdf", () => void this.print("pdf"), "button primary"), dom.button("print.png", () => void this.print("png"), "button quiet")];
    this.element = toolCard(
      app, "print", "print.title", () => this.toggle(),
      dom.h("label", { class: "field" }, dom.h("span", { text: "print.heading" }), this.title),
      segments<Paper>(app, "print.paper", [["a4", "print.a4"], ["a3", "print.a3"]], "a4", (paper) => (this.options.paper = paper)),
      segments<"yes" | "no">(app, "print.turned", [["yes", "print.landscape"], ["no", "print.portrait"]], "yes", (turned) => (this.options.landscape = turned === "yes")),
      check("legend", "legend.title"),
      check("scale", "status.scale"),
      check("north", "print.north"),
      dom.h("p", { class: "hint", text: "print.hint" }),
      dom.h("div", { class: "row" }, ...this.buttons),
    );
  }

  toggle(): void {
    this.open = !this.open;
    if (!this.title.value) this.title.value = this.app.i18n.title(this.app.manifest?.titles, this.app.manifest?.name);
    this.app.fire("tools", null);
    if (this.open) this.title.focus();
  }

  escape(): boolean {
    if (!this.open) return false;
    this.toggle();
    return true;
  }

  reset(): void {
    this.open = false;
    this.title.value = "";
  }

  private async print(kind: "png" | "pdf"): Promise<void> {
    const { app } = this;
    for (const button of this.buttons) button.disabled = true;
    try {
      const sheet = await sheetOf(app, { ...this.options, title: this.title.value });
      const blob = kind === "png" ? await encoded(sheet, "image/png") : await this.pdf(sheet);
      app.save(blob, `${app.fileName}.${kind}`);
    } catch (error) {
      app.notices.show(app.i18n.t("print.failed", { message: error instanceof Error ? error.message : String(error) }), "error");
    }
    for (const button of this.buttons) button.disabled = false;
  }

  private async pdf(sheet: Sheet): Promise<Blob> {
    const jpeg = new Uint8Array(await (await encoded(sheet, "image/jpeg")).arrayBuffer());
    const { width, height } = sheet.canvas;
    return pdfOf({ jpeg, width, height, width_mm: sheet.width_mm, height_mm: sheet.height_mm, title: this.title.value });
  }
}

function encoded({ canvas }: Sheet, type: "image/png" | "image/jpeg"): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(`the browser cannot make ${type}`))), type, QUALITY);
  });
}
