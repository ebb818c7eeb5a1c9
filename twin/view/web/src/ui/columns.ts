/** Attributes of all objects, column by column: asked once, then worked with on the page. */
import { bytesOf, type ColumnSpec, type TableAnswer } from "../backend/messages";
import type { CityApp } from "./app";

/** One column: a number, or the place of its text in `texts`, for every handle; NaN = no value. */
export interface Column {
  spec: ColumnSpec;
  numbers: Float32Array;
  texts: ColumnText[] | null;
}

export interface ColumnText {
  value: string;
  titles: { en: string; zh: string };
}

interface ColumnAnswer {
  numbers: unknown;
  texts: ColumnText[] | null;
}

export class Columns {
  private specs: Promise<ColumnSpec[]> | null = null;
  private readonly known = new Map<string, Promise<Column>>();

  constructor(private readonly app: CityApp) {}

  all(): Promise<ColumnSpec[]> {
    this.specs ??= this.app.ask<ColumnSpec[]>("columns", {});
    this.specs.catch(() => (this.specs = null));
    return this.specs;
  }

  column(name: string): Promise<Column> {
    const found = this.known.get(name) ?? this.load(name);
    this.known.set(name, found);
    found.catch(() => this.known.delete(name));
    return found;
  }

  /** Handles, ascending, of the objects that a filter picks. */
  async find(text: string): Promise<Uint32Array> {
    const { handles } = await this.app.ask<{ handles: unknown }>("find", { text });
    return new Uint32Array(bytesOf(handles).slice().buffer);
  }

  /** Names and main attributes of the first of some objects of the city. */
  table(handles: number[]): Promise<TableAnswer> {
    const count = this.app.manifest?.count ?? 0;
    return this.app.ask<TableAnswer>("table", { handles: handles.filter((handle) => handle < count) });
  }

  clear(): void {
    this.specs = null;
    this.known.clear();
  }

  private async load(name: string): Promise<Column> {
    const spec = (await this.all()).find((column) => column.name === name);
    if (!spec) throw new Error(this.app.i18n.t("error.column", { name }));
    const { numbers, texts } = await this.app.ask<ColumnAnswer>("values", { column: name });
    return { spec, numbers: new Float32Array(bytesOf(numbers).slice().buffer), texts };
  }
}
