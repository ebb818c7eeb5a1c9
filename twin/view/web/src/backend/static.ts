/** A page without a server: the scene, its tiles and its objects lie in the page itself. */
import type { Backend, Box6 } from "../engine/api";
import { Expression } from "./expression";
import type { ColumnSpec, ObjectProperties, SearchHit, TableAnswer } from "./messages";
import { bytesOf } from "./messages";
import { EMBEDDED } from "./panel";

interface Index {
  manifest: Record<string, unknown>;
  /** Objects in one block of the embedded properties. */
  block: number;
  /** Codes of the overlays that are embedded, by overlay id. */
  overlays: number[];
}

/** Attributes in a little table. */
const MOST_CELLS = 6;

type Listener = (message: Record<string, unknown>) => void;

async function inflate(text: string): Promise<ArrayBuffer> {
  const packed = new Blob([bytesOf(text.trim()).slice().buffer]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** Reads `<script type="text/plain" data-part="...">` elements: base64 of gzip. */
class Parts {
  private readonly nodes = new Map<string, HTMLScriptElement>();

  constructor() {
    for (const node of document.querySelectorAll<HTMLScriptElement>("script[data-part]")) {
      this.nodes.set(node.dataset.part ?? "", node);
    }
  }

  async bytes(name: string): Promise<ArrayBuffer> {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`${name} is not part of this page`);
    return inflate(node.textContent ?? "");
  }

  async json<T>(name: string): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.bytes(name))) as T;
  }
}

export class StaticBackend implements Backend {
  readonly alone = true;
  private readonly listeners: Listener[] = [];
  private readonly parts = new Parts();
  private index: Index | null = null;
  private readonly blocks = new Map<number, Promise<ObjectProperties[]>>();
  private specs: Promise<ColumnSpec[]> | null = null;
  private names: Promise<SearchHit[]> | null = null;

  constructor(private readonly refuse: (method: string) => string) {}

  static present(): boolean {
    return document.querySelector('script[data-part="index"]') !== null;
  }

  onMessage(listener: Listener): void {
    this.listeners.push(listener);
  }

  emit(name: string): void {
    if (name === "ready") void this.start();
  }

  async ask(method: string, params: Record<string, unknown>): Promise<unknown> {
    if (method === "properties") return this.properties(params);
    if (method === "search") return this.search(String(params.text ?? ""), Number(params.limit ?? 20));
    if (method === "bounds") return this.bounds(params.handles as number[]);
    if (method === "series") return [];
    if (method === "codes") return this.codes(Number(params.overlay));
    if (method === "columns") return this.columns();
    if (method === "values") return this.values(String(params.column));
    if (method === "find") return this.find(String(params.text));
    if (method === "table") return this.table(params.handles as number[]);
    throw new Error(this.refuse(method));
  }

  readonly fetch = async (url: string): Promise<Response> => {
    if (!url.startsWith(EMBEDDED)) throw new Error(`${url} is outside of this page`);
    const name = decodeURIComponent(new URL(url).pathname.slice(1));
    return new Response(await this.parts.bytes(name));
  };

  private async start(): Promise<void> {
    this.index = await this.parts.json<Index>("index");
    for (const listener of this.listeners) listener({ op: "scene", manifest: this.index.manifest });
  }

  private async codes(overlay: number): Promise<{ codes: ArrayBuffer } | null> {
    if (!this.index?.overlays.includes(overlay)) return null;
    return { codes: await this.parts.bytes(`codes/${overlay}`) };
  }

  private columns(): Promise<ColumnSpec[]> {
    this.specs ??= this.parts.json<ColumnSpec[]>("columns");
    return this.specs;
  }

  private async values(column: string): Promise<{ numbers: ArrayBuffer; texts: { value: string }[] | null }> {
    return { numbers: await this.parts.bytes(`values/${column}`), texts: await this.parts.json(`texts/${column}`) };
  }

  /** Comparisons of attributes, as far as a page can do without a server. */
  private async find(text: string): Promise<{ handles: Uint32Array }> {
    const expression = new Expression(text);
    const specs = await this.columns();
    const found = new Map<string, (handle: number) => number | string | null>();
    for (const name of expression.names) {
      if (name === "name" || name === "uid") {
        const hits = await this.allNames();
        const known = new Map(hits.map((hit) => [hit.handle, hit[name]]));
        found.set(name, (handle) => known.get(handle) || null);
        continue;
      }
      if (!specs.some((spec) => spec.name === name)) throw new Error(`${name}: there is no such attribute; there are ${specs.map((spec) => spec.name).join(", ")}`);
      const { numbers, texts } = await this.values(name);
      const values = new Float32Array(numbers);
      found.set(name, (handle) => {
        const value = values[handle] ?? Number.NaN;
        return Number.isNaN(value) ? null : texts ? (texts[value]?.value ?? null) : value;
      });
    }
    const holds = expression.over(found);
    const count = Number(this.index?.manifest.count ?? 0);
    return { handles: Uint32Array.from({ length: count }, (_, handle) => handle).filter((handle) => holds(handle) === true) };
  }

  private async table(handles: number[]): Promise<TableAnswer> {
    const items = await Promise.all(handles.map((handle) => this.properties({ handle })));
    const counts = new Map<string, number>();
    for (const { attributes } of items) for (const { name, value } of attributes) if (value !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
    const names = [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)).slice(0, MOST_CELLS);
    const find = (item: ObjectProperties, name: string): ObjectProperties["attributes"][number] | undefined => item.attributes.find((each) => each.name === name);
    return {
      columns: names.map((name) => {
        const known = items.map((item) => find(item, name)).find((each) => each !== undefined);
        return { name, titles: known?.titles ?? { en: name, zh: name }, unit: known?.unit ?? "" };
      }),
      rows: items.map((item) => ({ handle: item.handle, uid: item.uid, name: item.name, kind: item.kind, kind_titles: item.kind_titles, layer: item.layer, values: names.map((name) => find(item, name)?.value ?? null) })),
    };
  }

  private block(handle: number): Promise<ObjectProperties[]> {
    const number = Math.floor(handle / (this.index?.block ?? 1));
    const known = this.blocks.get(number) ?? this.parts.json<ObjectProperties[]>(`objects/${number}`);
    this.blocks.set(number, known);
    return known;
  }

  private async properties(params: Record<string, unknown>): Promise<ObjectProperties> {
    let handle = params.handle as number | undefined;
    if (handle === undefined) {
      handle = (await this.allNames()).find((hit) => hit.uid === params.uid)?.handle;
      if (handle === undefined) throw new Error(`${String(params.uid)}: is not in this page`);
    }
    const found = (await this.block(handle))[handle % (this.index?.block ?? 1)];
    if (!found) throw new Error(`handle ${handle}: is not in this page`);
    return found;
  }

  private allNames(): Promise<SearchHit[]> {
    this.names ??= this.parts.json<SearchHit[]>("names");
    return this.names;
  }

  private async search(text: string, limit: number): Promise<SearchHit[]> {
    const wanted = text.toLocaleLowerCase();
    const all = await this.allNames();
    const hits = all.filter((hit) => hit.name.toLocaleLowerCase().includes(wanted) || hit.uid === text);
    return hits.slice(0, limit);
  }

  private async bounds(handles: number[]): Promise<Box6 | null> {
    let box: Box6 | null = null;
    for (const handle of handles) {
      const next = (await this.properties({ handle })).bounds;
      if (next) box = box ? union(box, next) : next;
    }
    return box;
  }
}

function union(a: Box6, b: Box6): Box6 {
  const low = [0, 1, 2].map((i) => Math.min(a[i] as number, b[i] as number));
  const high = [3, 4, 5].map((i) => Math.max(a[i] as number, b[i] as number));
  return [...low, ...high] as Box6;
}
