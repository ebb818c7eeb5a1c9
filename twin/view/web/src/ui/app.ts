/** The page around the engine: holds the state, and moves every change to the engine, the address and the panels. */
import type { Link, LiveStatus } from "../backend/live";
import { bytesOf, type SimulationResult } from "../backend/messages";
import { createEngine } from "../engine";
import type { Backend, CityEngine, Language, LayerSpec, OverlaySpec, Pick, PointLook, SceneManifest, SectionPlane, Theme } from "../engine/api";
import { I18n } from "../i18n";
import { firstLook } from "./clouds";
import { copyText, debounced, Dom } from "./dom";
import { LiveFeed } from "./feed";
import { onKeys } from "./keys";
import { Notices } from "./notices";
import { Painter } from "./painter";
import { initialOverlay } from "./result";
import { Shell } from "./shell";
import { decode, EMPTY, encode, type ViewState } from "./state";
import { Variants } from "./variants";

export interface AppOptions {
  /** Fills the window; otherwise the element it was given. */
  fullPage?: boolean;
  language?: Language;
  theme?: Theme;
}

/** What panels may listen to. */
export interface AppEvents {
  selection: number | null;
  overlay: OverlaySpec | null;
  overlays: null;
  layers: null;
  tools: null;
  time: string;
  link: Link;
  live: LiveStatus;
  job: { job: string; progress: number; message: string };
  scenario: string | null;
  hover: Pick | null;
}

export class CityApp {
  readonly i18n: I18n;
  readonly dom: Dom;
  readonly notices: Notices;
  readonly shell: Shell;
  engine: CityEngine | null = null;
  /** The other view while two are compared. */
  second: CityEngine | null = null;
  manifest: SceneManifest | null = null;
  state: ViewState;
  selected: number | null = null;
  isolated = false;
  /** Results of simulations that were run in this view, newest last. */
  readonly results: SimulationResult[] = [];
  readonly painter: Painter;
  readonly variants: Variants;
  readonly live: LiveFeed;
  /** True once a scene has been shown; tests wait for it. */
  ready = false;
  private readonly listeners = new Map<string, Set<(value: never) => void>>();
  private readonly cleanups: (() => void)[] = [];
  private readonly remember = debounced(() => this.publishState(), 250);

  constructor(
    readonly host: HTMLElement,
    readonly backend: Backend,
    readonly options: AppOptions,
  ) {
    this.state = { ...EMPTY, ...decode(window.location.hash) };
    this.i18n = new I18n(this.state.language ?? options.language ?? "zh");
    this.dom = new Dom(this.i18n);
    this.notices = new Notices(this.dom);
    this.painter = new Painter(this);
    this.variants = new Variants(this);
    this.live = new LiveFeed(this);
    this.shell = new Shell(this);
  }

  start(): void {
    this.applyTheme(this.state.theme ?? this.options.theme ?? "light");
    this.cleanups.push(onKeys(this));
    try {
      this.engine = createEngine(this.shell.view, { theme: this.theme, fetch: this.backend.fetch });
    } catch (error) {
      this.shell.fail(error instanceof Error ? error.message : String(error));
      return;
    }
    this.listen(this.engine);
    this.engine.on("camera", (camera) => this.changed({ camera }));
    this.backend.onMessage((message) => void this.receive(message).catch((error: unknown) => this.report(error)));
    this.backend.emit("ready", null);
  }

  dispose(): void {
    for (const cleanup of this.cleanups) cleanup();
    this.live.close();
    this.shell.dispose();
    this.engine?.dispose();
    this.engine = null;
  }

  on<K extends keyof AppEvents>(event: K, listener: (value: AppEvents[K]) => void): void {
    const all = this.listeners.get(event) ?? new Set();
    all.add(listener as (value: never) => void);
    this.listeners.set(event, all);
  }

  fire<K extends keyof AppEvents>(event: K, value: AppEvents[K]): void {
    for (const listener of this.listeners.get(event) ?? []) (listener as (value: AppEvents[K]) => void)(value);
  }

  /** Every view that is open: one, or two that are compared. */
  get engines(): CityEngine[] {
    return [this.engine, this.second].filter((engine) => engine !== null);
  }

  get theme(): Theme {
    return this.shell.app.dataset.theme === "dark" ? "dark" : "light";
  }

  async ask<T>(method: string, params: Record<string, unknown>): Promise<T> {
    return (await this.backend.ask(method, params)) as T;
  }

  report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.notices.show(this.i18n.t("error.ask", { message }), "error");
  }

  // state ---------------------------------------------------------------------------------------

  changed(patch: Partial<ViewState> = {}): void {
    this.state = { ...this.state, ...patch };
    this.remember();
  }

  link(state: ViewState = this.state): string {
    return `${window.location.href.split("#")[0]}#${encode(state)}`;
  }

  async share(state: ViewState = this.state): Promise<void> {
    this.publishState();
    const url = this.link(state);
    const copied = await copyText(url);
    this.notices.show(this.i18n.t(copied ? "top.share.done" : "top.share.shown", { url }), "info");
  }

  setLanguage(language: Language): void {
    this.i18n.language = language;
    this.changed({ language });
  }

  setTheme(theme: Theme): void {
    this.applyTheme(theme);
    for (const engine of this.engines) engine.setTheme(theme);
    this.changed({ theme });
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

  setUnderground(underground: number): void {
    for (const engine of this.engines) engine.setUnderground(underground);
    this.changed({ underground });
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

  // selection -----------------------------------------------------------------------------------

  async select(handle: number | null, fly = false): Promise<void> {
    this.selected = handle;
    for (const engine of this.engines) engine.select(handle === null ? [] : [handle]);
    if (handle === null) this.changed({ selection: null });
    this.fire("selection", handle);
    if (handle !== null && fly) await this.flyTo([handle]);
  }

  async flyTo(handles: number[]): Promise<void> {
    const box = await this.ask<[number, number, number, number, number, number] | null>("bounds", { handles });
    if (box) this.engine?.flyTo(box, 1.2);
  }

  isolate(on: boolean): void {
    this.isolated = on && this.selected !== null;
    for (const engine of this.engines) engine.isolate(this.isolated && this.selected !== null ? [this.selected] : []);
    this.fire("tools", null);
  }

  // overlays ------------------------------------------------------------------------------------

  get overlay(): OverlaySpec | null {
    return this.manifest?.overlays.find((overlay) => overlay.name === this.state.overlay) ?? null;
  }

  async setOverlay(name: string | null): Promise<void> {
    this.changed({ overlay: name });
    const { overlay } = this;
    this.live.subscribe(overlay?.source === "live" ? [overlay.id] : []);
    this.fire("overlay", overlay);
    await Promise.all(this.engines.map((engine) => this.painter.paint(engine, overlay)));
  }

  addOverlay(overlay: OverlaySpec): void {
    if (!this.manifest) return;
    const others = this.manifest.overlays.filter((other) => other.name !== overlay.name && other.id !== overlay.id);
    this.manifest = { ...this.manifest, overlays: [...others, overlay] };
    this.painter.forget(overlay.id);
    this.fire("overlays", null);
  }

  /** Colours the city by a result: its surfaces where it has some, and the scenario that it speaks of. */
  async showResult(result: SimulationResult, overlay: OverlaySpec | undefined = initialOverlay(result)): Promise<void> {
    if (this.state.scenario !== (result.scenario || null)) await this.setScenario(result.scenario || null);
    if (overlay) await this.setOverlay(overlay.name);
  }

  // scenarios -----------------------------------------------------------------------------------

  /** Shows a scenario's shapes in the view; null = the city as it is. */
  async setScenario(name: string | null): Promise<void> {
    this.changed({ scenario: name });
    this.fire("scenario", name);
    if (this.engine) await this.variants.show(this.engine, name);
  }

  // messages ------------------------------------------------------------------------------------

  private async receive(message: Record<string, unknown>): Promise<void> {
    switch (message.op) {
      case "scene":
        return this.load(message.manifest as SceneManifest);
      case "codes":
        return this.painter.apply(message.overlay as number, bytesOf(message.codes));
      case "codes_delta": {
        const handles = bytesOf(message.handles).slice();
        return this.painter.applyTo(message.overlay as number, new Uint32Array(handles.buffer), bytesOf(message.codes));
      }
      case "overlay_spec":
        return this.addOverlay(message.overlay as OverlaySpec);
      case "overlay":
        return this.setOverlay(this.manifest?.overlays.find((o) => o.id === message.id)?.name ?? null);
      case "select":
        return this.selectAll(message.handles as number[], message.fly === true);
      case "camera":
        return this.engine?.setCamera(message as never, 1);
      case "time":
        return this.setTime(message.iso as string);
      case "language":
        return this.setLanguage(message.value as Language);
      case "theme":
        return this.setTheme(message.value as Theme);
      case "field_surface":
        return this.engine?.setSurface(message.name as string, message.glb ? bytesOf(message.glb).slice().buffer : null);
      case "event":
        return this.receiveEvent(message.name as string, message.data as Record<string, unknown>);
    }
  }

  private async selectAll(handles: number[], fly: boolean): Promise<void> {
    if (handles.length <= 1) return this.select(handles[0] ?? null, fly);
    this.engine?.select(handles);
    if (fly) await this.flyTo(handles);
  }

  private receiveEvent(name: string, data: Record<string, unknown>): void {
    if (name === "job") this.fire("job", data as never);
    if (name === "notice") this.notices.show(String(data.message), data.severity === "error" ? "error" : "info");
  }

  // scene ---------------------------------------------------------------------------------------

  private async load(manifest: SceneManifest): Promise<void> {
    this.manifest = { ...manifest, tiles_url: new URL(manifest.tiles_url, document.baseURI).href };
    const { state } = this;
    this.painter.clear();
    this.variants.clear();
    this.i18n.language = state.language ?? manifest.language;
    this.applyTheme(state.theme ?? manifest.theme);
    this.manifest = { ...this.manifest, theme: this.theme };
    this.shell.build(this.manifest);
    await this.engine?.load(this.manifest);
    this.restore(state);
    this.live.connect(manifest);
    this.ready = true;
    this.shell.loaded();
  }

  private restore(state: ViewState): void {
    const { engine } = this;
    if (!engine) return;
    this.dress(engine);
    engine.setShadows(state.shadows);
    if (state.camera) engine.setCamera(state.camera, 0);
    this.fire("tools", null);
    const failed = (error: unknown): void => this.report(error);
    void this.setOverlay(state.overlay ?? null).catch(failed);
    const scenario = this.manifest?.scenarios.find((each) => each.name === state.scenario);
    if (scenario) void this.setScenario(scenario.name).catch(failed);
    if (state.selection) void this.selectUid(state.selection).catch(failed);
  }

  /** Gives a view the layers, light and cuts that this page shows. */
  dress(engine: CityEngine): void {
    const { state, manifest } = this;
    if (!manifest) return;
    for (const layer of manifest.layers) {
      engine.setLayerVisible(layer.name, this.layerVisible(layer.name));
      const opacity = state.opacity[layer.name];
      if (opacity !== undefined) engine.setLayerOpacity(layer.name, opacity);
      if (layer.cloud) engine.setPoints(layer.name, this.pointLook(layer));
    }
    engine.setTime(state.time ?? manifest.time);
    engine.setUnderground(state.underground);
    engine.setSection(state.section);
    engine.select(this.selected === null ? [] : [this.selected]);
  }

  private async selectUid(uid: string): Promise<void> {
    const { handle } = await this.ask<{ handle: number }>("properties", { uid });
    await this.select(handle);
  }

  /** Picks, hovers and errors of a view. */
  listen(engine: CityEngine): void {
    engine.on("pick", (pick) => {
      this.backend.emit("pick", pick);
      void this.select(pick?.handle ?? null).catch((error: unknown) => this.report(error));
    });
    engine.on("doublepick", (pick) => void this.flyTo([pick.handle]).catch((error: unknown) => this.report(error)));
    engine.on("hover", (pick) => this.fire("hover", pick));
    engine.on("error", ({ message }) => {
      this.notices.show(this.i18n.t("error.tile", { message }), "error");
      this.backend.emit("error", { message });
    });
  }

  private applyTheme(theme: Theme): void {
    this.shell.app.dataset.theme = theme;
    this.shell.app.dispatchEvent(new CustomEvent("theme"));
  }

  private publishState(): void {
    if (!this.ready) return;
    const hash = encode(this.state);
    if (`#${hash}` !== window.location.hash) window.history.replaceState(window.history.state, "", `#${hash}`);
    this.backend.emit("state", { ...this.state, overlay: this.state.overlay ?? null, selected: this.selected, hash });
  }
}
