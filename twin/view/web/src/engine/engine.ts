/** The engine: one canvas with a streamed city, its state textures, light, camera and tools. */

import { NeutralToneMapping, PCFShadowMap, Scene, Vector3, WebGLRenderer } from "three";
import type { Box6, CameraState, CityEngine, CreateEngine, EngineEvents, EngineOptions, EngineStats, MeasureKind, OverlaySpec, Pick, PointLook, SceneManifest, SectionPlane, Theme } from "./api";
import { CityCamera } from "./camera";
import { Controls } from "./controls";
import { chooseQuality, type Quality } from "./device";
import { Emitter } from "./events";
import { GroundDisc, GroundHeights } from "./ground";
import { Daylight } from "./light";
import { sharedUniforms, type Uniforms } from "./materials";
import { Measuring } from "./measure";
import { HIDDEN, HOVERED, ObjectStates, SELECTED, SOLID } from "./objects";
import { Picker } from "./picking";
import { Pointing } from "./pointing";
import { clippingPlane, SectionFrame } from "./section";
import { Surfaces } from "./surfaces";
import { CityTiles } from "./tiles";

const STATS_MS = 500;

class Engine implements CityEngine {
  readonly canvas: HTMLCanvasElement;
  private readonly quality: Quality;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly events = new Emitter<EngineEvents>();
  private readonly heights = new GroundHeights();
  private readonly disc = new GroundDisc();
  private readonly view: CityCamera;
  private readonly pointing: Pointing;
  private readonly controls: Controls;
  private readonly daylight: Daylight;
  private readonly picker: Picker;
  private readonly measuring: Measuring;
  private readonly surfaces = new Surfaces();
  private readonly frame = new SectionFrame();
  private readonly observer: ResizeObserver;
  private manifest: SceneManifest | null = null;
  private tiles: CityTiles | null = null;
  private objects = new ObjectStates(0);
  private uniforms: Uniforms = sharedUniforms(this.objects);
  private overlay: OverlaySpec | null = null;
  private veil = 0;
  private plane: ReturnType<typeof clippingPlane> | null = null;
  private wanted = true;
  private handle = 0;
  private idle = false;
  private size = { width: 1, height: 1 };
  private clock = { last: performance.now(), told: 0, frames: 0, spent: 0, fps: 0, lastCount: 0 };
  private disposed = false;

  constructor(
    private readonly container: HTMLElement,
    private readonly options: EngineOptions,
  ) {
    this.quality = chooseQuality(options.antialias);
    this.renderer = new WebGLRenderer({ antialias: this.quality.antialias, powerPreference: "high-performance", stencil: false });
    this.canvas = this.renderer.domElement;
    this.canvas.style.cssText = "display:block;width:100%;height:100%;outline:none";
    this.canvas.tabIndex = 0;
    container.append(this.canvas);
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.shadowMap.autoUpdate = false;
    this.renderer.localClippingEnabled = true;
    this.renderer.info.autoReset = false;
    this.view = new CityCamera(this.heights);
    this.daylight = new Daylight(this.scene, this.renderer, this.disc, this.quality.shadowSize);
    this.picker = new Picker(this.renderer, this.scene, this.view.camera, () => this.unveil());
    this.measuring = new Measuring(
      () => this.size,
      (measurement) => this.events.emit("measure", measurement),
    );
    this.scene.add(this.daylight.group, this.disc.mesh, this.surfaces.group, this.measuring.group, this.frame.object);
    this.pointing = new Pointing({
      canvas: this.canvas,
      view: this.view,
      disc: this.disc,
      picker: this.picker,
      measuring: this.measuring,
      events: this.events,
      size: () => this.size,
      layerOf: (handle) => this.tiles?.layerOf(handle) ?? "",
      level: () => this.heights.level,
      busy: () => this.disposed || this.controls.busy || this.view.flying,
      highlight: (handle) => this.objects.markOnly(handle < 0 ? [] : [handle], HOVERED),
      requestFrame: () => this.requestFrame(),
    });
    this.controls = new Controls(this.canvas, this.view, this.pointing);
    this.canvas.addEventListener("webglcontextrestored", () => this.restored());
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(container);
    this.daylight.setTheme(options.theme ?? "light", null);
    this.resize();
    this.handle = requestAnimationFrame(this.tick);
  }

  // -- life ---------------------------------------------------------------------------------------

  async load(manifest: SceneManifest): Promise<void> {
    this.unload();
    this.manifest = manifest;
    this.objects = new ObjectStates(manifest.count);
    this.uniforms = sharedUniforms(this.objects);
    this.picker.bind(this.uniforms);
    const [x0, y0, z0, x1, y1] = manifest.bounds;
    this.view.reach = Math.max(200, Math.hypot(x1 - x0, y1 - y0) / 2);
    const { layers } = manifest;
    const grounded = layers.some((layer) => layer.theme === "terrain") || layers.every((layer) => layer.theme === "pointcloud");
    this.heights.clear(grounded ? z0 : 0);
    this.disc.load(manifest, this.view.reach);
    const root = new URL(manifest.tiles_url, document.baseURI).toString();
    this.tiles = new CityTiles(manifest, root, this.uniforms, {
      fetch: this.options.fetch,
      megabytes: this.quality.cacheMegabytes,
      errorTarget: this.quality.errorTarget,
      changed: () => this.changed(),
      failed: (message) => this.events.emit("error", { message }),
      terrain: (geometry, matrix) => this.heights.add(geometry, matrix),
    });
    this.scene.add(this.tiles.group);
    this.daylight.load(manifest);
    this.daylight.setTime(manifest.time, this.uniforms);
    this.daylight.setTheme(manifest.theme, this.uniforms);
    this.setShadows(this.daylight.shadowsOn);
    this.setUnderground(0);
    this.home(0);
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.handle);
    this.pointing.reset();
    this.observer.disconnect();
    this.controls.dispose();
    this.unload();
    for (const part of [this.measuring, this.surfaces, this.frame, this.picker, this.daylight, this.disc]) part.dispose();
    this.renderer.dispose();
    this.events.clear();
    this.canvas.remove();
  }

  resize(): void {
    const width = Math.max(1, this.container.clientWidth);
    const height = Math.max(1, this.container.clientHeight);
    this.size = { width, height };
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, this.quality.maxPixelRatio));
    this.renderer.setSize(width, height, false);
    this.view.resize(width, height);
    this.draw();
  }

  on<K extends keyof EngineEvents>(event: K, listener: (value: EngineEvents[K]) => void): () => void {
    return this.events.on(event, listener);
  }

  // -- camera -------------------------------------------------------------------------------------

  camera(): CameraState {
    return this.view.state();
  }

  setCamera(state: CameraState, seconds = 0): void {
    this.controls.halt();
    this.view.set(state, seconds);
    this.requestFrame();
  }

  home(seconds = 1.2): void {
    const { manifest } = this;
    if (!manifest) return;
    if (manifest.home) {
      this.setCamera(manifest.home, seconds);
      return;
    }
    const [x0, y0, z0, x1, y1, z1] = manifest.bounds;
    const middle: [number, number, number] = [(x0 + x1) / 2, (y0 + y1) / 2, z0 + (z1 - z0) * 0.1];
    const away = this.view.reach * 1.3;
    this.setCamera({ position: [middle[0] - away * 0.35, middle[1] - away * 0.78, middle[2] + away * 0.55], target: middle }, seconds);
  }

  north(seconds = 0.6): void {
    this.turn(-(this.manifest?.origin.convergence_deg ?? 0), this.view.pitch, seconds);
  }

  top(seconds = 0.9): void {
    this.turn(this.view.yaw, -90, seconds);
  }

  zoom(factor: number): void {
    const state = this.centred();
    const look = state.position.map((p, i) => state.target[i] + (p - state.target[i]) / factor) as [number, number, number];
    this.setCamera({ position: look, target: state.target }, 0.25);
  }

  orbit(azimuth_deg: number, elevation_deg: number): void {
    this.view.stop();
    this.centred();
    this.view.orbitAbout(this.view.target(), azimuth_deg, elevation_deg);
    this.requestFrame();
  }

  pan(right: number, forward: number): void {
    this.view.stop();
    const ahead = this.view.forward().setZ(0);
    if (ahead.lengthSq() < 1e-4) ahead.copy(this.view.right()).cross(new Vector3(0, 0, -1));
    const step = this.view.right().multiplyScalar(right).addScaledVector(ahead.normalize(), forward);
    this.view.move(step.multiplyScalar(this.view.distance));
    this.requestFrame();
  }

  flyTo(box: Box6, seconds = 1.4): void {
    this.controls.halt();
    this.view.flyTo(box, seconds);
    this.requestFrame();
  }

  heading(): number {
    return (((this.view.yaw + (this.manifest?.origin.convergence_deg ?? 0)) % 360) + 360) % 360;
  }

  project(points: Float32Array): Float32Array {
    return this.view.project(points, this.size);
  }

  // -- objects ------------------------------------------------------------------------------------

  select(handles: number[]): void {
    this.objects.markOnly(handles, SELECTED);
    this.requestFrame();
  }

  hide(handles: number[], hidden: boolean): void {
    this.objects.mark(handles, HIDDEN, hidden);
    this.changed();
  }

  showAll(): void {
    this.objects.markOnly([], HIDDEN);
    this.isolate([]);
    this.changed();
  }

  isolate(handles: number[]): void {
    this.objects.markOnly(handles, SOLID);
    this.uniforms.uIsolate.value = handles.length > 0 ? 1 : 0;
    for (const layer of this.tiles?.layers.values() ?? []) layer.setGhosts(handles.length > 0);
    this.changed();
  }

  pickAt(clientX: number, clientY: number): Promise<Pick | null> {
    return this.pointing.pickAt(clientX, clientY);
  }

  // -- layers -------------------------------------------------------------------------------------

  setLayerVisible(name: string, visible: boolean): void {
    this.tiles?.layers.get(name)?.setVisible(visible);
    this.changed();
  }

  setLayerOpacity(name: string, opacity: number): void {
    this.tiles?.layers.get(name)?.setOpacity(opacity);
    this.changed();
  }

  setPoints(name: string, look: PointLook): void {
    this.tiles?.layers.get(name)?.cloud?.set(look);
    this.requestFrame();
  }

  setUnderground(amount: number): void {
    this.veil = Math.min(1, Math.max(0, amount));
    this.view.underground = this.veil > 0;
    for (const layer of this.tiles?.layers.values() ?? []) layer.setVeil(this.veil);
    this.disc.setVeil(this.veil);
    this.changed();
  }

  // -- overlay ------------------------------------------------------------------------------------

  setOverlay(overlay: OverlaySpec | null): void {
    this.overlay = overlay;
    if (overlay) this.objects.setPalette(Uint8Array.from(atob(overlay.palette), (letter) => letter.charCodeAt(0)));
    for (const layer of this.tiles?.layers.values() ?? []) {
      layer.materials.setTinted(overlay !== null && (overlay.layers.length === 0 || overlay.layers.includes(layer.spec.name)));
    }
    this.requestFrame();
  }

  setCodes(codes: Uint8Array): void {
    this.objects.setCodes(codes);
    if (this.overlay) this.requestFrame();
  }

  setCodesOf(handles: Uint32Array, codes: Uint8Array): void {
    this.objects.setCodesOf(handles, codes);
    if (this.overlay) this.requestFrame();
  }

  codeOf(handle: number): number {
    return this.objects.codeOf(handle);
  }

  async setSurface(name: string, glb: ArrayBuffer | null): Promise<void> {
    await this.surfaces.set(name, glb);
    this.requestFrame();
  }

  // -- light --------------------------------------------------------------------------------------

  setTime(iso: string): void {
    this.daylight.setTime(iso, this.uniforms);
    this.requestFrame();
  }

  setShadows(on: boolean): void {
    this.daylight.setShadows(on);
    for (const layer of this.tiles?.layers.values() ?? []) layer.setShadows(on);
    this.requestFrame();
  }

  sun(): { azimuth_deg: number; elevation_deg: number } {
    return { ...this.daylight.sun() };
  }

  setTheme(theme: Theme): void {
    this.daylight.setTheme(theme, this.uniforms);
    this.requestFrame();
  }

  // -- tools --------------------------------------------------------------------------------------

  startMeasure(kind: MeasureKind): void {
    this.measuring.begin(kind);
    this.canvas.style.cursor = "crosshair";
    this.requestFrame();
  }

  stopMeasure(): void {
    this.measuring.stop();
    this.canvas.style.cursor = "";
    this.requestFrame();
  }

  clearMeasures(): void {
    this.measuring.clear();
    this.requestFrame();
  }

  setSection(section: SectionPlane | null): void {
    this.plane = section ? clippingPlane(section) : null;
    for (const part of [...(this.tiles?.layers.values() ?? []), this.picker, this.surfaces]) part.setPlane(this.plane);
    this.uniforms.uCut.value = section ? 1 : 0;
    if (this.manifest) this.frame.show(section, this.manifest.bounds);
    this.changed();
  }

  async snapshot(): Promise<Blob> {
    this.draw();
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be encoded"))), "image/png");
    });
  }

  stats(): EngineStats {
    const { render } = this.renderer.info;
    return {
      fps: this.clock.fps,
      tilesLoaded: this.tiles?.loaded ?? 0,
      tilesPending: this.tiles?.pending ?? 0,
      triangles: render.triangles,
      drawCalls: render.calls,
      gpuMegabytes: (this.tiles?.megabytes ?? 0) + this.objects.megabytes,
      frames: this.clock.frames,
    };
  }

  requestFrame(): void {
    this.wanted = true;
  }

  // -- inside -------------------------------------------------------------------------------------

  private readonly tick = (now: number): void => {
    if (this.disposed) return;
    this.handle = requestAnimationFrame(this.tick);
    const seconds = Math.min(0.1, (now - this.clock.last) / 1000);
    this.clock.last = now;
    const moving = this.controls.update(seconds) || this.view.update(performance.now());
    if (moving || this.wanted) {
      this.draw();
      this.events.emit("camera", this.view.state());
    }
    this.tellStats(now);
  };

  private draw(): void {
    if (this.renderer.getContext().isContextLost()) return;
    this.wanted = false;
    const began = performance.now();
    this.uniforms.uPixel.value = (2 * Math.tan((this.view.camera.fov * Math.PI) / 360)) / this.size.height;
    if (this.tiles?.update(this.view.camera, this.renderer)) this.wanted = true;
    this.daylight.follow(this.view, this.view.reach);
    this.objects.flush();
    this.measuring.scale(this.view.camera, this.size.height);
    this.renderer.info.reset();
    this.renderer.render(this.scene, this.view.camera);
    this.clock.frames++;
    this.clock.spent = performance.now() - began;
    this.tellIdle();
  }

  /** Nothing left to load: say so once. The frame after a change settles what became visible. */
  private tellIdle(): void {
    const idle = this.tiles !== null && this.tiles.pending === 0 && !this.wanted;
    if (idle && !this.idle) this.events.emit("idle", this.stats());
    this.idle = idle;
  }

  private tellStats(now: number): void {
    if (now - this.clock.told < STATS_MS) return;
    this.clock.fps = ((this.clock.frames - this.clock.lastCount) * 1000) / Math.max(1, now - this.clock.told);
    this.clock.told = now;
    this.clock.lastCount = this.clock.frames;
    if (this.events.has("stats")) this.events.emit("stats", this.stats());
  }

  private changed(): void {
    this.renderer.shadowMap.needsUpdate = true;
    this.requestFrame();
  }

  private restored(): void {
    this.objects.uploadAll();
    this.changed();
  }

  private turn(yaw: number, pitch: number, seconds: number): void {
    this.controls.halt();
    this.centred();
    this.view.turnTo(yaw, pitch, seconds);
    this.requestFrame();
  }

  /** The view about what is in its middle. */
  private centred(): CameraState {
    const { width, height } = this.size;
    const hit = this.view.flying ? null : this.picker.pick(width / 2, height / 2, width, height);
    if (hit) this.view.distance = Math.max(2, hit.distance);
    else this.view.refocus(this.heights.level);
    return this.view.state();
  }

  /** For a pick: without the layers that one looks through, and with the latest state. */
  private unveil(): () => void {
    const away = [...(this.tiles?.layers.values() ?? [])].filter((layer) => layer.visible && !layer.pickable);
    for (const layer of away) layer.group.visible = false;
    this.objects.flush();
    return () => {
      for (const layer of away) layer.group.visible = true;
    };
  }

  private unload(): void {
    this.tiles?.dispose();
    this.tiles = null;
    this.objects.dispose();
    this.surfaces.dispose();
    this.measuring.stop();
    this.pointing.reset();
    this.overlay = null;
    this.idle = false;
    this.manifest = null;
  }
}

/** Put an engine into a container that has a size. */
export const createEngine: CreateEngine = (container, options = {}) => new Engine(container, options);
