/** The settings of a view: each change goes to every open view, into the address, and to the panels that listen. */
import type { Link, LiveStatus } from "../backend/live";
import type { CityEngine, LayerSpec, OverlaySpec, Pick, PointLook, SceneManifest, SectionBox, SectionPlane } from "../engine/api";
import type { Trench } from "../engine/tool_api";
import { firstLook } from "./clouds";
import type { ViewState } from "./state";

/** What panels may listen to. */
export interface AppEvents {
  /** The selected object where there is one, and all that are selected. */
  selection: number | null;
  set: number[];
  overlay: OverlaySpec | null;
  overlays: null;
  layers: null;
  tools: null;
  kept: null;
  time: string;
  link: Link;
  live: LiveStatus;
  job: { job: string; progress: number; message: string };
  scenario: string | null;
  /** Names of variants that are new, edited or gone. */
  scenarios: string[];
  /** Results came, went, or are out of date. */
  results: null;
  hover: Pick | null;
  /** What moves was looked at anew: shown, coloured, chosen. */
  vehicles: null;
  /** The instant that live values and what moves are shown of; null = now. */
  past: number | null;
  /** A view is given all that this page shows. */
  dress: CityEngine;
  /** Codes of an overlay came. */
  codes: number;
}

export abstract class ViewSettings {
  engine: CityEngine | null = null;
  /** The other views while some are compared. */
  others: CityEngine[] = [];
  manifest: SceneManifest | null = null;
  private readonly listeners = new Map<string, Set<(value: never) => void>>();

  constructor(public state: ViewState) {}

  /** Puts the state into the address, after a while. */
  protected abstract readonly remember: () => void;

  /** Listens until the returned function is called. */
  on<K extends keyof AppEvents>(event: K, listener: (value: AppEvents[K]) => void): () => void {
    const all = this.listeners.get(event) ?? new Set();
    all.add(listener as (value: never) => void);
    this.listeners.set(event, all);
    return () => all.delete(listener as (value: never) => void);
  }

  fire<K extends keyof AppEvents>(event: K, value: AppEvents[K]): void {
    for (const listener of this.listeners.get(event) ?? []) (listener as (value: AppEvents[K]) => void)(value);
  }

  /** The view that is compared with the first, where there is one. */
  get second(): CityEngine | null {
    return this.others[0] ?? null;
  }

  /** Every view that is open: one, or those that are compared. */
  get engines(): CityEngine[] {
    return this.engine ? [this.engine, ...this.others] : [];
  }

  changed(patch: Partial<ViewState> = {}): void {
    this.state = { ...this.state, ...patch };
    this.remember();
  }

  setTime(iso: string): void {
    for (const engine of this.engines) engine.setTime(iso);
    this.fire("time", iso);
    this.changed({ time: iso });
  }

  setSection(section: SectionPlane | null): void {
    for (const engine of this.engines) engine.setSection(section);
    this.changed({ section });
    this.fire("tools", null);
  }

  setSectionBox(box: SectionBox | null): void {
    for (const engine of this.engines) engine.setSectionBox(box);
    this.changed({ box });
    this.fire("tools", null);
  }

  toggleLabels(): void {
    this.changed({ labels: !this.state.labels });
    this.fire("tools", null);
  }

  setUnderground(underground: number): void {
    for (const engine of this.engines) engine.setUnderground(underground);
    this.changed({ underground });
    this.fire("tools", null);
  }

  setTrench(trench: Trench | null): void {
    for (const engine of this.engines) engine.setTrench(trench);
    this.changed({ trench });
    this.fire("tools", null);
  }

  setShadows(shadows: boolean): void {
    for (const engine of this.engines) engine.setShadows(shadows);
    this.changed({ shadows });
    this.fire("tools", null);
  }

  setLayerVisible(name: string, visible: boolean): void {
    for (const engine of this.engines) engine.setLayerVisible(name, visible);
    const own = this.manifest?.layers.find((layer) => layer.name === name)?.visible ?? true;
    const hidden = this.state.hidden.filter((other) => other !== name);
    const shown = this.state.shown.filter((other) => other !== name);
    if (visible && !own) shown.push(name);
    if (!visible && own) hidden.push(name);
    this.changed({ hidden, shown });
    this.fire("layers", null);
  }

  layerVisible(name: string): boolean {
    if (this.state.hidden.includes(name)) return false;
    return this.state.shown.includes(name) || (this.manifest?.layers.find((l) => l.name === name)?.visible ?? true);
  }

  setLayerOpacity(name: string, opacity: number): void {
    for (const engine of this.engines) engine.setLayerOpacity(name, opacity);
    this.changed({ opacity: { ...this.state.opacity, [name]: opacity } });
  }

  /** How the points of a cloud are drawn in this view. */
  pointLook(layer: LayerSpec): PointLook {
    const own = layer.cloud ? firstLook(layer.cloud) : { mode: "rgb" as const, size: 1, hidden: [] };
    return { ...own, ...this.state.points[layer.name] };
  }

  setPointLook(name: string, look: PointLook): void {
    for (const engine of this.engines) engine.setPoints(name, look);
    this.changed({ points: { ...this.state.points, [name]: look } });
  }
}
