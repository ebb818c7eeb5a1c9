/** The thematic pictures that stand on this page: values and places become what the engine draws. */
import { bytesOf } from "../backend/messages";
import type { GroundGrid, OverlaySpec, PictureFacts, PictureSpec, Titles } from "../engine/api";
import { rampBytes } from "../engine/ramp";
import type { CityApp } from "./app";
import { encodeThemes, type Theming } from "./theming";

/** Values by handle, and what they are called. */
interface Values {
  titles: Titles;
  unit: string;
  numbers: ArrayLike<number>;
}

/** A picture that stands. */
export interface Standing {
  id: number;
  theming: Theming;
  titles: Titles;
  unit: string;
  low: number;
  high: number;
  /** Objects, lines or flows in it. */
  count: number;
}

/** Flows of a table: x, y, z of both ends of each, and values. */
export interface FlowTable {
  ends: Float32Array;
  values: Float32Array;
}

interface Lines {
  handles: Uint32Array;
  starts: Uint32Array;
  points: Float32Array;
}

/** Live pictures are made anew at most so often. */
const AGAIN_MS = 1000;
const ARC_RISE = 0.22;
const OPACITY = { heat: 0.82, columns: 0.94, lines: 0.95, arcs: 0.95 };
const CODES = 249;
const ALARM = 254;

export class Themes {
  standing: Standing[] = [];
  private readonly specs = new Map<number, PictureSpec>();
  private readonly tables = new Map<string, FlowTable>();
  private serial = 0;
  private places: Promise<Float32Array> | null = null;
  private ground: Promise<GroundGrid> | null = null;
  private readonly lines = new Map<string, Promise<Lines>>();
  private waiting: ReturnType<typeof setTimeout> | undefined;
  /** Version of the scene that places and values were asked for. */
  private epoch = -1;

  constructor(private readonly app: CityApp) {
    app.on("codes", (overlay) => this.later(overlay));
    app.on("overlays", () => this.renewed());
    app.on("dress", (engine) => {
      for (const [id, spec] of this.specs) engine.pictures.put(nameOf(id), spec);
    });
  }

  /** Another scene, or what an address says. */
  restore(): void {
    const { themes } = this.app.state;
    if (encodeThemes(this.standing.map(({ theming }) => theming)) === encodeThemes(themes)) return;
    for (const { id } of [...this.standing]) this.remove(id);
    for (const theming of themes) void this.add(theming).catch((error: unknown) => this.app.report(error));
  }

  /** Forgets what belongs to an earlier scene. */
  clear(): void {
    this.places = this.ground = null;
    this.lines.clear();
    for (const engine of this.app.engines) for (const { id } of this.standing) engine.pictures.put(nameOf(id), null);
    this.standing = [];
    this.specs.clear();
    this.epoch = this.app.manifest?.epoch ?? -1;
  }

  /** The city became another one while the page is open: its pictures are made anew. */
  private renewed(): void {
    const epoch = this.app.manifest?.epoch ?? -1;
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.places = this.ground = null;
    this.lines.clear();
    const failed = (error: unknown): void => this.app.report(error);
    if (!this.standing.length) this.restore();
    for (const each of this.standing) void this.draw(each).catch(failed);
  }

  /** Adds a picture; throws a sentence when there is nothing to show. */
  async add(theming: Theming): Promise<Standing> {
    const id = ++this.serial;
    this.follow([...this.standing.map((each) => each.theming), theming]);
    const made: Standing = { id, theming, titles: { en: "", zh: "" }, unit: "", low: 0, high: 1, count: 0 };
    await this.draw(made);
    this.standing.push(made);
    this.keep();
    return made;
  }

  remove(id: number): void {
    for (const engine of this.app.engines) engine.pictures.put(nameOf(id), null);
    this.specs.delete(id);
    this.standing = this.standing.filter((each) => each.id !== id);
    this.follow(this.standing.map((each) => each.theming));
    this.keep();
  }

  /** Reads a table of flows; the answer says how many rows were left out, and why. */
  async read(name: string, text: string): Promise<{ left_out: number; problems: string[] }> {
    const answer = await this.app.ask<{ ends: unknown; values: unknown; left_out: number; problems: string[] }>("flows", { text });
    this.tables.set(name, { ends: floats(answer.ends), values: floats(answer.values) });
    return { left_out: answer.left_out, problems: answer.problems };
  }

  /** Numbers of the live overlays that pictures show. */
  liveOverlays(themes = this.standing.map((each) => each.theming)): number[] {
    const found = themes.map((theming) => this.overlayOf(theming)).filter((overlay) => overlay?.source === "live");
    return [...new Set(found.map((overlay) => (overlay as OverlaySpec).id))];
  }

  private follow(themes: Theming[]): void {
    this.app.live.subscribe(this.liveOverlays(themes), "themes");
  }

  private keep(): void {
    this.app.changed({ themes: this.standing.map(({ theming }) => theming) });
    this.app.fire("tools", null);
  }

  /** Live values came: the pictures that show them are made anew, after a while. */
  private later(overlay: number): void {
    const concerned = this.standing.filter(({ theming }) => this.overlayOf(theming)?.id === overlay);
    if (!concerned.length || this.waiting !== undefined) return;
    this.waiting = setTimeout(() => {
      this.waiting = undefined;
      void Promise.all(concerned.filter((each) => this.standing.includes(each)).map((each) => this.draw(each)))
        .then(() => this.app.fire("tools", null))
        .catch((error: unknown) => this.app.report(error));
    }, this.app.past.active ? 0 : AGAIN_MS);
  }

  private async draw(made: Standing): Promise<void> {
    const { app } = this;
    const spec = await this.specOf(made);
    this.specs.set(made.id, spec);
    let facts: PictureFacts | null = null;
    for (const engine of app.engines) facts = engine.pictures.put(nameOf(made.id), spec);
    if (made.theming.kind === "heat" && facts) [made.low, made.high] = [facts.low, facts.high];
  }

  private async specOf(made: Standing): Promise<PictureSpec> {
    const { theming } = made;
    const palette = { rgba: rampBytes(theming.ramp) };
    const opacity = OPACITY[theming.kind];
    if (theming.kind === "arcs") return { type: "flows", pieces: this.arcs(made), rise: ARC_RISE, width_px: theming.size, palette, opacity };
    const values = await this.values(theming);
    [made.titles, made.unit] = [values.titles, values.unit];
    const inside = this.handles(theming.layer);
    if (theming.kind === "lines") return { type: "flows", pieces: await this.along(made, values), rise: 0, width_px: theming.size, palette, opacity };
    const places = await this.allPlaces();
    const chosen = inside.filter((handle) => Number.isFinite(values.numbers[handle]) && Number.isFinite(places[handle * 4]));
    made.count = chosen.length;
    if (theming.kind === "heat") {
      const points = new Float32Array(chosen.length * 3);
      chosen.forEach((handle, i) => points.set([places[handle * 4] as number, places[handle * 4 + 1] as number, values.numbers[handle] as number], i * 3));
      return { type: "heat", points, radius_m: theming.size, measure: theming.measure, palette, ground: await this.allGround(), opacity };
    }
    const share = this.scale(made, chosen.map((handle) => values.numbers[handle] as number));
    const points = new Float32Array(chosen.length * 4);
    chosen.forEach((handle, i) => points.set([places[handle * 4] as number, places[handle * 4 + 1] as number, places[handle * 4 + 3] as number, share(values.numbers[handle] as number)], i * 4));
    return { type: "columns", points, width_m: Math.max(6, theming.size / 14), height_m: theming.size, palette, opacity };
  }

  /** Sets the ends of a scale from values, with 0 at its foot where none is below; gives shares of it. */
  private scale(made: Standing, numbers: number[]): (value: number) => number {
    let [low, high] = [0, Number.NEGATIVE_INFINITY];
    for (const value of numbers) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (!numbers.length || !(high > low)) high = low + 1;
    [made.low, made.high] = [low, high];
    return (value) => (value - low) / (high - low);
  }

  private arcs(made: Standing): Float32Array {
    const table = this.tables.get(made.theming.of);
    if (!table) throw new Error(this.app.i18n.t("themes.nofile", { name: made.theming.of }));
    made.titles = { en: made.theming.of, zh: made.theming.of };
    made.count = table.values.length;
    const share = this.scale(made, [...table.values]);
    const pieces = new Float32Array(table.values.length * 8);
    table.values.forEach((value, i) => {
      pieces.set(table.ends.subarray(i * 6, i * 6 + 3), i * 8);
      pieces[i * 8 + 3] = share(value);
      pieces.set(table.ends.subarray(i * 6 + 3, i * 6 + 6), i * 8 + 4);
    });
    return pieces;
  }

  private async along(made: Standing, values: Values): Promise<Float32Array> {
    const lines = await this.linesOf(made.theming.layer);
    const { handles, starts, points } = lines;
    const chosen = [...handles.keys()].filter((line) => Number.isFinite(values.numbers[handles[line] as number]));
    made.count = chosen.length;
    const share = this.scale(made, chosen.map((line) => values.numbers[handles[line] as number] as number));
    const pieces: number[] = [];
    for (const line of chosen) {
      const height = share(values.numbers[handles[line] as number] as number);
      let along = 0;
      for (let at = starts[line] as number; at + 1 < (starts[line + 1] as number); at++) {
        const from = points.subarray(at * 3, at * 3 + 3);
        const to = points.subarray(at * 3 + 3, at * 3 + 6);
        pieces.push(...from, height, ...to, along);
        along += Math.hypot((to[0] as number) - (from[0] as number), (to[1] as number) - (from[1] as number), (to[2] as number) - (from[2] as number));
      }
    }
    return Float32Array.from(pieces);
  }

  private overlayOf({ of }: Theming): OverlaySpec | null {
    return of.startsWith("o:") ? (this.app.manifest?.overlays.find((overlay) => overlay.name === of.slice(2)) ?? null) : null;
  }

  private async values(theming: Theming): Promise<Values> {
    const { app } = this;
    const name = theming.of.slice(2);
    if (theming.of.startsWith("a:")) {
      const { spec, numbers, texts } = await app.columns.column(name);
      if (texts) throw new Error(app.i18n.t("themes.text", { name }));
      return { titles: spec.titles, unit: spec.unit, numbers };
    }
    const overlay = this.overlayOf(theming);
    if (overlay) return this.overlayValues(overlay);
    if (!theming.of.startsWith("n:")) throw new Error(app.i18n.t("error.column", { name }));
    return { titles: app.i18n.both("themes.count"), unit: "", numbers: new Float32Array(app.manifest?.count ?? 0).fill(1) };
  }

  /** Values of an overlay by its codes: as exact as its colours. */
  private async overlayValues(overlay: OverlaySpec): Promise<Values> {
    const { legend } = overlay;
    if (legend.type !== "ramp") throw new Error(this.app.i18n.t("themes.text", { name: overlay.name }));
    const codes = this.app.painter.known(overlay.id) ?? (await this.app.painter.codesOf(overlay)) ?? new Uint8Array();
    const numbers = new Float32Array(this.app.manifest?.count ?? 0).fill(Number.NaN);
    codes.forEach((code, handle) => {
      if (code >= 1 && code <= CODES + 1) numbers[handle] = legend.min + ((code - 1) / CODES) * (legend.max - legend.min);
      else if (code === ALARM) numbers[handle] = legend.max;
    });
    return { titles: overlay.titles, unit: overlay.unit, numbers };
  }

  private handles(layer: string): number[] {
    const { manifest } = this.app;
    const one = manifest?.layers.find((each) => each.name === layer);
    const [from, count] = one ? [one.base, one.count] : [0, manifest?.count ?? 0];
    return Array.from({ length: count }, (_, i) => from + i);
  }

  private allPlaces(): Promise<Float32Array> {
    this.places ??= this.app.ask<{ places: unknown }>("places", {}).then(({ places }) => floats(places));
    this.places.catch(() => (this.places = null));
    return this.places;
  }

  private linesOf(layer: string): Promise<Lines> {
    const known = this.lines.get(layer);
    if (known) return known;
    const asked = this.app.ask<Record<"handles" | "starts" | "points", unknown>>("lines", { layer }).then((answer) => ({
      handles: integers(answer.handles),
      starts: integers(answer.starts),
      points: floats(answer.points),
    }));
    this.lines.set(layer, asked);
    asked.catch(() => this.lines.delete(layer));
    return asked;
  }

  private allGround(): Promise<GroundGrid> {
    const [x0, y0, , x1, y1] = this.app.manifest?.bounds ?? [0, 0, 0, 1, 1];
    this.ground ??= this.app
      .ask<{ columns: number; rows: number; heights: unknown }>("ground", { x0, y0, x1, y1 })
      .then(({ columns, rows, heights }) => ({ x0, y0, x1, y1, columns, rows, heights: floats(heights) }));
    this.ground.catch(() => (this.ground = null));
    return this.ground;
  }
}

function nameOf(id: number): string {
  return `theme-${id}`;
}

function floats(bytes: unknown): Float32Array {
  return new Float32Array(bytesOf(bytes).slice().buffer);
}

function integers(bytes: unknown): Uint32Array {
  return new Uint32Array(bytesOf(bytes).slice().buffer);
}
