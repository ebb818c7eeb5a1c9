/** The drafts of a page: what was drawn and edited and is not kept yet, with a way back; and keeping it. */
import { bytesOf } from "../backend/messages";
import type { DraftSolid, Vec3 } from "../engine/api";
import type { Point } from "../engine/footprint";
import type { CityApp } from "./app";
import { type Draft, editsOf, geoJsonOf, isChanged, isPrism, isReshaped, matrixOf, type Placement, type Plain, placedRings, reachOf, unplaced } from "./draft_model";
import { History } from "./undo";

/** What one goes back through: the drafts, and the corners that are set of a footprint. */
export interface DraftState {
  drafts: readonly Draft[];
  corners: readonly Vec3[];
  /** A footprint is closed and gets its height. */
  rising: boolean;
}

interface ShapeAnswer {
  uid: string;
  name: string;
  kind: string;
  layer: string;
  positions: unknown;
  triangles: unknown;
  centre: Vec3;
  rings: Point[][];
  base: number;
  top: number;
  height_m: number;
  pivot: Vec3;
  attributes: Record<string, Plain>;
}

interface Kept {
  name: string;
  title: string;
  scenarios: { name: string; title: string }[];
  edits: number;
}

const EMPTY: DraftState = { drafts: [], corners: [], rising: false };
/** Attributes that a copy does not take along: they say what only the original is. */
const OWN = new Set(["height_m", "name", "grade", "valid_from", "valid_to"]);

export class Drafts {
  /** Whether the server is asked to keep drafts at this moment. */
  keeping = false;
  /** Key of the draft that is worked on. */
  chosen: string | null = null;
  private readonly history = new History<DraftState>(EMPTY);
  private readonly listeners = new Set<() => void>();
  private hidden: number[] = [];
  private serial = 0;
  private unfinished: Draft | null = null;

  constructor(private readonly app: CityApp) {}

  get state(): DraftState {
    return this.history.present;
  }

  get all(): readonly Draft[] {
    return this.state.drafts;
  }

  /** Those that would make a difference if they were kept. */
  get changed(): Draft[] {
    return this.all.filter((draft) => isChanged(draft) && !(draft.removed && draft.origin !== "existing"));
  }

  get current(): Draft | null {
    return this.all.find((draft) => draft.key === this.chosen && !draft.removed) ?? null;
  }

  get canUndo(): boolean {
    return this.history.canUndo;
  }

  get canRedo(): boolean {
    return this.history.canRedo;
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** A new state; not as a step of its own while a drag goes on. */
  set(patch: Partial<DraftState>, step = true): void {
    const state = { ...this.state, ...patch };
    if (step) this.history.push(state);
    else this.history.replace(state);
    this.show();
  }

  undo(): void {
    if (this.history.undo()) this.show();
  }

  redo(): void {
    if (this.history.redo()) this.show();
  }

  choose(key: string | null): void {
    if (this.chosen === key) return;
    this.chosen = key;
    this.show();
  }

  nextKey(): string {
    this.serial += 1;
    return `new-${this.serial}`;
  }

  add(draft: Draft, rest: Partial<DraftState> = {}): void {
    this.chosen = draft.key;
    this.set({ ...rest, drafts: [...this.all, draft] });
  }

  update(key: string, patch: Partial<Draft>, step = true): void {
    this.set({ drafts: this.all.map((draft) => (draft.key === key ? { ...draft, ...patch } : draft)) }, step);
  }

  place(key: string, patch: Partial<Placement>, step = true): void {
    const draft = this.all.find((each) => each.key === key);
    if (draft) this.update(key, { placement: { ...draft.placement, ...patch } }, step);
  }

  /** A drawing goes; an object of the city will be gone from the variant. */
  remove(key: string): void {
    const draft = this.all.find((each) => each.key === key);
    if (!draft) return;
    if (this.chosen === key) this.chosen = null;
    if (draft.origin === "existing") this.update(key, { removed: true });
    else this.set({ drafts: this.all.filter((each) => each !== draft) });
  }

  /** The draft of an object that can be picked; made when there is none. */
  async take(handle: number): Promise<Draft> {
    const known = this.all.find((draft) => draft.handle === handle);
    if (known) return known;
    const draft = await this.untouched(handle);
    const again = this.all.find((each) => each.uid === draft.uid);
    if (again) return again;
    // To take hold of a thing is no step that one would go back.
    this.history.replace({ ...this.state, drafts: [...this.all.filter(isChanged), draft] });
    return draft;
  }

  /** A second thing like it, a little beside. */
  duplicate(draft: Draft): void {
    const key = this.nextKey();
    const aside = reachOf(draft) * 2 + 2;
    const plain = draft.mesh === null || isPrism(draft);
    const shape = { ...draft, mesh: plain ? null : draft.mesh };
    const { placement } = draft;
    const copy: Draft = {
      ...shape,
      key,
      origin: draft.origin === "drawn" ? "drawn" : "copy",
      uid: "",
      handle: -1,
      name: draft.name ? this.app.i18n.t("edit.copyof", { name: draft.name }) : "",
      placement: { ...placement, dx_m: placement.dx_m + aside },
      attributes: Object.fromEntries(Object.entries(draft.attributes).filter(([name, value]) => !OWN.has(name) && value !== null && typeof value !== "object")),
    };
    this.add(copy);
  }

  /** Footprints that one can snap to: those of drafts. */
  outlines(except: string | null = null): Point[][] {
    return this.all.filter((draft) => draft.key !== except && !draft.removed && isReshaped(draft)).flatMap(placedRings);
  }

  /** Asks the server to keep the drafts in a variant, and shows it. */
  async keep(scenario: string, title: string): Promise<Kept> {
    const { app } = this;
    const edits = editsOf(this.changed);
    const parent = scenario ? "" : (app.state.scenario ?? "");
    this.keeping = true;
    const kept = await app.ask<Kept>("keep_edits", { scenario, title, parent, edits }).finally(() => (this.keeping = false));
    const { manifest } = app;
    manifest?.scenarios.splice(0, manifest.scenarios.length, ...kept.scenarios);
    app.variants.forget();
    app.fire("scenarios", [kept.name]);
    this.clear();
    app.selection.clear();
    await app.setScenario(kept.name);
    return kept;
  }

  exportFile(): void {
    const { app } = this;
    const origin = app.manifest?.origin;
    if (!origin) return;
    app.save(new Blob([geoJsonOf(this.changed, origin)], { type: "application/geo+json" }), `${app.fileName}-${app.i18n.t("draft.file")}.geojson`);
  }

  /** A solid that is not finished, beside the drafts; null = none. */
  preview(draft: Draft | null): void {
    if (!draft && !this.unfinished) return;
    this.unfinished = draft;
    this.app.engine?.drafting.showSolids(this.solids());
  }

  /** Forgets all drafts. */
  clear(): void {
    this.chosen = null;
    this.history.reset(EMPTY);
    this.show();
  }

  /** Hides once more what is drawn otherwise, after everything was shown. */
  again(): void {
    this.hidden = [];
    this.show();
  }

  /** Another city has come: the engine has forgotten what was hidden. */
  reset(): void {
    this.hidden = [];
    this.clear();
  }

  /** Adds drawings that were kept, as one step; returns how many are left out, for their objects are gone. */
  async bring({ drafts, corners, rising }: DraftState): Promise<number> {
    const found = await Promise.all(drafts.map((draft) => (draft.origin === "existing" ? this.anew(draft) : { ...draft, key: this.nextKey() })));
    const fresh = found.filter((draft): draft is Draft => draft !== null && !this.all.some((each) => each.key === draft.key && isChanged(each)));
    const kept = this.all.filter((draft) => !fresh.some((each) => each.key === draft.key));
    const busy = this.state.corners.length > 0;
    this.set({ drafts: [...kept, ...fresh], ...(busy ? {} : { corners, rising: rising && corners.length >= 3 }) });
    return found.filter((draft) => draft === null).length;
  }

  /** The city became another version: its objects have other handles, and perhaps other shapes. Says how many are gone. */
  async renewed(way: (handle: number) => number): Promise<number> {
    const known = new Map<string, Promise<Draft | null>>();
    const before = this.history.every.flatMap((state) => state.drafts).filter((draft) => draft.origin === "existing");
    for (const draft of before) if (!known.has(draft.uid)) known.set(draft.uid, this.anew(draft));
    this.hidden = this.hidden.map(way).filter((handle) => handle >= 0);
    const now = new Map<string, Draft | null>();
    for (const [uid, draft] of known) now.set(uid, await draft);
    // What was taken while the server was asked is of the new version already.
    const rewritten = (draft: Draft): Draft[] => (now.has(draft.uid) ? [asNow(draft, now.get(draft.uid))].filter((each) => each !== null) : [draft]);
    this.history.rewrite((state) => ({ ...state, drafts: state.drafts.flatMap(rewritten) }));
    this.show();
    return [...now.values()].filter((draft) => draft === null).length;
  }

  /** The draft of an object of the city once more, with its shape as it is now; null when it is gone. */
  private async anew(draft: Draft): Promise<Draft | null> {
    try {
      const { handle } = await this.app.ask<{ handle: number }>("properties", { uid: draft.uid });
      return asNow(draft, await this.untouched(handle));
    } catch {
      return null;
    }
  }

  private async untouched(handle: number): Promise<Draft> {
    return this.fromShape(await this.app.ask<ShapeAnswer>("shape", { handle }), handle);
  }

  private show(): void {
    const { engine } = this.app;
    const hidden = this.all.filter((draft) => draft.origin === "existing" && isReshaped(draft)).map((draft) => draft.handle);
    if (engine) {
      engine.drafting.showSolids(this.solids());
      const back = this.hidden.filter((handle) => !hidden.includes(handle));
      const away = hidden.filter((handle) => !this.hidden.includes(handle));
      if (back.length) engine.hide(back, false);
      if (away.length) engine.hide(away, true);
    }
    this.hidden = hidden;
    for (const listener of this.listeners) listener();
  }

  private solids(): DraftSolid[] {
    const shown = this.all.filter((draft) => isReshaped(draft) || (draft.key === this.chosen && draft.origin !== "existing"));
    return [...shown, ...(this.unfinished ? [this.unfinished] : [])].map((draft) => this.solidOf(draft));
  }

  private solidOf(draft: Draft): DraftSolid {
    const look = draft.removed ? "remove" : draft.origin === "existing" ? "change" : "add";
    const { key, rings, mesh, pivot, tall_m } = draft;
    return { key, look, chosen: key === this.chosen, rings, mesh, pivot, tall_m, matrix: matrixOf(draft) };
  }

  private fromShape(shape: ShapeAnswer, handle: number): Draft {
    const positions = new Float32Array(bytesOf(shape.positions).slice().buffer);
    const triangles = new Uint32Array(bytesOf(shape.triangles).slice().buffer);
    const shift = shape.centre.map((value, i) => value - (shape.pivot[i] as number));
    for (let i = 0; i < positions.length; i++) positions[i] = (positions[i] as number) + (shift[i % 3] as number);
    const theme = this.app.manifest?.layers.find((layer) => layer.name === shape.layer)?.theme ?? "buildings";
    return {
      key: shape.uid,
      origin: "existing",
      uid: shape.uid,
      handle,
      name: shape.name,
      first_name: shape.name,
      kind: shape.kind,
      layer: shape.layer,
      theme,
      attributes: shape.attributes,
      rings: shape.rings,
      pivot: shape.pivot,
      tall_m: shape.top - shape.base,
      first_height_m: shape.height_m,
      mesh: { positions, triangles },
      placement: unplaced(shape.height_m),
      removed: false,
    };
  }
}

/** What was done to an object, done to it as it is now. */
function asNow(draft: Draft, object: Draft | null | undefined): Draft | null {
  if (!object) return null;
  const { placement, removed, first_height_m } = draft;
  const raised = placement.height_m !== first_height_m;
  return { ...object, name: draft.name === draft.first_name ? object.first_name : draft.name, placement: raised ? placement : { ...placement, height_m: object.first_height_m }, removed };
}
