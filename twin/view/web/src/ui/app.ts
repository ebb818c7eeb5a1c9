/** The page around the engine: holds the state, and moves every change to the engine, the address and the panels. */
import { bytesOf, type SimulationResult } from "../backend/messages";
import { createEngine } from "../engine";
import type { Backend, CityEngine, Language, OverlaySpec, SceneManifest, Theme } from "../engine/api";
import { I18n } from "../i18n";
import { Basemaps } from "./basemaps";
import { Columns } from "./columns";
import { copyText, debounced, Dom } from "./dom";
import { DraftKeeping } from "./draft_keeping";
import { Drafts } from "./drafts";
import { LiveFeed } from "./feed";
import { Keeping } from "./keeping";
import { onKeys } from "./keys";
import { Moving } from "./moving";
import { Notices } from "./notices";
import { Painter } from "./painter";
import { Past } from "./past";
import { renewScene } from "./renewing";
import { initialOverlay } from "./result";
import { Selection } from "./selection";
import { ViewSettings } from "./settings";
import { resultsOf, type SharedScenarios, takeResults, takeScenarios, withResults } from "./sharing";
import { Shell } from "./shell";
import { decode, EMPTY, encode, type ViewState } from "./state";
import { Themes } from "./themes";
import { Tour } from "./tour";
import { Variants } from "./variants";

/** Handles of a selection that the other side is told. */
const MOST_TOLD = 10_000;

export interface AppOptions {
  /** Fills the window; otherwise the element it was given. */
  fullPage?: boolean;
  language?: Language;
  theme?: Theme;
}

export class CityApp extends ViewSettings {
  readonly i18n: I18n;
  readonly dom: Dom;
  readonly notices: Notices;
  readonly shell: Shell;
  readonly selection: Selection;
  readonly columns: Columns;
  /** Views and notes that are kept. */
  readonly keeping: Keeping;
  readonly tour: Tour;
  /** Results of simulations that were run on pages of this city, newest last. */
  results: SimulationResult[] = [];
  readonly painter: Painter;
  readonly variants: Variants;
  readonly basemaps: Basemaps;
  readonly live: LiveFeed;
  readonly drafts: Drafts;
  private readonly draftKeeping: DraftKeeping;
  readonly moving: Moving;
  readonly past: Past;
  readonly themes: Themes;
  /** True once a scene has been shown; tests wait for it. */
  ready = false;
  /** Number of the last view that this one was turned into: an earlier one that still waits is given up. */
  private turn = 0;
  private readonly cleanups: (() => void)[] = [];
  protected readonly remember = debounced(() => this.publishState(), 250);

  constructor(
    readonly host: HTMLElement,
    readonly backend: Backend,
    readonly options: AppOptions,
  ) {
    super({ ...EMPTY, ...decode(window.location.hash) });
    this.i18n = new I18n(this.state.language ?? options.language ?? "zh");
    this.dom = new Dom(this.i18n);
    this.notices = new Notices(this.dom);
    this.selection = new Selection(this);
    this.columns = new Columns(this);
    this.keeping = new Keeping(this);
    this.tour = new Tour(this);
    this.painter = new Painter(this);
    this.variants = new Variants(this);
    this.basemaps = new Basemaps(this);
    this.live = new LiveFeed(this);
    this.drafts = new Drafts(this);
    this.draftKeeping = new DraftKeeping(this);
    this.moving = new Moving(this);
    this.past = new Past(this);
    this.themes = new Themes(this);
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
    // Before the city is there, the camera stands nowhere: the address keeps its view, or the city's own is taken.
    this.engine.on("camera", (camera) => this.ready && this.changed({ camera }));
    this.backend.onMessage((message) => void this.receive(message).catch((error: unknown) => this.report(error)));
    this.backend.emit("ready", null);
  }

  dispose(): void {
    for (const cleanup of this.cleanups) cleanup();
    this.live.close();
    this.past.dispose();
    this.draftKeeping.dispose();
    this.shell.dispose();
    this.engine?.dispose();
    this.engine = null;
  }

  get theme(): Theme {
    return this.shell.app.dataset.theme === "dark" ? "dark" : "light";
  }

  async ask<T>(method: string, params: Record<string, unknown>): Promise<T> {
    return (await this.backend.ask(method, params, this.i18n.language)) as T;
  }

  report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.notices.show(this.i18n.t("error.ask", { message }), "error");
  }

  // state ---------------------------------------------------------------------------------------

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

  // selection -----------------------------------------------------------------------------------

  /** The selected object, where it is the only one. */
  get selected(): number | null {
    return this.selection.only;
  }

  async select(handle: number | null, fly = false): Promise<void> {
    this.selection.set(handle === null ? [] : [handle]);
    if (handle !== null && fly) await this.flyTo([handle]);
  }

  flyTo(handles: number[]): Promise<void> {
    return this.selection.flyTo(handles);
  }

  // overlays ------------------------------------------------------------------------------------

  get overlay(): OverlaySpec | null {
    return this.manifest?.overlays.find((overlay) => overlay.name === this.state.overlay) ?? null;
  }

  async setOverlay(name: string | null): Promise<void> {
    this.changed({ overlay: name });
    const { overlay } = this;
    this.subscribe();
    this.fire("overlay", overlay);
    await Promise.all(this.engines.map((engine) => this.painter.paint(engine, this.shell.compare.overlayOf(engine))));
  }

  /** Asks for the live codes that the open views show. */
  subscribe(): void {
    const shown = this.engines.map((engine) => this.shell.compare.overlayOf(engine));
    this.live.subscribe([...new Set(shown.flatMap((overlay) => (overlay?.source === "live" ? [overlay.id] : [])))]);
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
    if (this.engine && !this.shell.compare.active) await this.variants.show(this.engine, name);
    this.drafts.again();
  }

  // messages ------------------------------------------------------------------------------------

  private async receive(message: Record<string, unknown>): Promise<void> {
    switch (message.op) {
      case "scene":
        return this.load(message.manifest as SceneManifest);
      case "renew":
        return this.ready ? renewScene(this, message.manifest as SceneManifest) : this.load(message.manifest as SceneManifest);
      case "scenarios":
        return takeScenarios(this, message as unknown as SharedScenarios);
      case "results":
        return takeResults(this, message.results as SimulationResult[], message.fresh as number | null);
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
    this.selection.set(handles);
    if (fly) await this.selection.fly();
  }

  private receiveEvent(name: string, data: Record<string, unknown>): void {
    if (name === "job") this.fire("job", data as never);
    if (name === "notice") this.notices.show(String(data.message), data.severity === "error" ? "error" : "info");
  }

  // scene ---------------------------------------------------------------------------------------

  private async load(manifest: SceneManifest): Promise<void> {
    this.results = resultsOf(manifest);
    this.manifest = { ...manifest, overlays: withResults(manifest.overlays, this.results), tiles_url: new URL(manifest.tiles_url, document.baseURI).href };
    const { state } = this;
    this.painter.clear();
    this.variants.clear();
    this.columns.clear();
    this.selection.reset();
    this.i18n.language = state.language ?? manifest.language;
    this.applyTheme(state.theme ?? manifest.theme);
    this.manifest = { ...this.manifest, theme: this.theme };
    this.shell.build(this.manifest);
    this.basemaps.reset();
    await this.engine?.load(this.manifest);
    void this.show(state, 0).catch((error: unknown) => this.report(error));
    this.live.connect(manifest);
    this.ready = true;
    this.draftKeeping.load();
    this.shell.loaded();
  }

  /** Turns the view into that of another state; the language and the look of the page stay. */
  async show(state: ViewState, seconds: number): Promise<void> {
    const turn = ++this.turn;
    const { language, theme } = this.state;
    this.changed({ ...state, language, theme });
    for (const engine of this.engines) this.dress(engine);
    if (state.camera) this.engine?.setCamera(state.camera, seconds);
    for (const event of ["layers", "tools"] as const) this.fire(event, null);
    this.themes.restore();
    this.moving.restore();
    this.past.restore();
    this.fire("time", state.time ?? this.manifest?.time ?? "");
    // What waits for no answer comes at once, so that what somebody chooses meanwhile stays.
    const soon = [this.basemaps.restore(state.basemap), state.selection ? null : this.select(null)];
    await this.shell.styles?.restore();
    if (turn !== this.turn) return;
    const scenario = this.manifest?.scenarios.find((each) => each.name === state.scenario)?.name ?? null;
    await Promise.all([this.setOverlay(state.overlay ?? null), this.setScenario(scenario), state.selection ? this.selectUid(state.selection) : null, ...soon]);
    if (turn === this.turn) await this.shell.compare.show(state.compare);
  }

  /** Gives a view the layers, light and cuts that this page shows. */
  dress(engine: CityEngine): void {
    const { state, manifest } = this;
    if (!manifest) return;
    for (const layer of manifest.layers) {
      engine.setLayerVisible(layer.name, this.layerVisible(layer.name));
      engine.setLayerOpacity(layer.name, state.opacity[layer.name] ?? layer.opacity);
      if (layer.cloud) engine.setPoints(layer.name, this.pointLook(layer));
    }
    this.basemaps.dress(engine);
    engine.setShadows(state.shadows);
    engine.setTime(state.time ?? manifest.time);
    engine.setUnderground(state.underground);
    engine.setSection(state.section);
    engine.setSectionBox(state.box);
    engine.setTrench(state.trench);
    engine.select(this.selection.handles);
    this.fire("dress", engine);
  }

  private async selectUid(uid: string): Promise<void> {
    const { handle } = await this.ask<{ handle: number }>("properties", { uid });
    await this.select(handle);
  }

  /** Picks, hovers and errors of a view. */
  listen(engine: CityEngine): void {
    engine.on("pick", (pick) => {
      this.backend.emit("pick", pick);
      this.moving.select(null);
      void this.select(pick?.handle ?? null).catch((error: unknown) => this.report(error));
    });
    engine.on("pickmore", (pick) => pick && this.selection.toggle(pick.handle));
    engine.on("doublepick", (pick) => void this.flyTo([pick.handle]).catch((error: unknown) => this.report(error)));
    engine.on("draft", (key) => this.shell.tools.edit.openOn(key));
    this.basemaps.listen(engine);
    engine.on("vehicle", (number) => this.moving.choose(number));
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

  /** Puts a file into the downloads. */
  save(blob: Blob, name: string): void {
    const url = URL.createObjectURL(blob);
    this.dom.h("a", { attributes: { href: url, download: name } }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /** The city's name as the beginning of a file's name. */
  get fileName(): string {
    return this.i18n.title(this.manifest?.titles, this.manifest?.name ?? "city").replace(/[\\/:*?"<>|]+/g, "-");
  }

  async snapshot(): Promise<void> {
    if (!this.engine) return;
    this.save(await this.engine.snapshot(), `${this.fileName}.png`);
    this.notices.show(this.i18n.t("tool.snapshot.done"), "info");
  }

  private publishState(): void {
    if (!this.ready) return;
    const hash = encode(this.state);
    if (`#${hash}` !== window.location.hash) window.history.replaceState(window.history.state, "", `#${hash}`);
    // What is compared goes by the hash alone: the message has no way to say "as the page".
    this.backend.emit("state", { ...this.state, compare: this.state.compare?.mode ?? null, overlay: this.state.overlay ?? null, selected: this.selected, handles: this.selection.handles.slice(0, MOST_TOLD), hash });
  }
}
