/** What an engine stands on: the canvas, the scene and its parts, the city that is loaded, and the loop of frames. */

import { NeutralToneMapping, PCFShadowMap, Scene, WebGLRenderer } from "three";
import { Analysis } from "./analysis";
import type { EngineEvents, EngineOptions, EngineStats, OverlaySpec, SceneManifest } from "./api";
import { Arrivals } from "./arrivals";
import { Basemap } from "./basemap";
import { CityCamera } from "./camera";
import { Caps } from "./caps";
import { Controls } from "./controls";
import { chooseQuality, type Quality } from "./device";
import { Emitter } from "./events";
import { EngineDrafting } from "./drafting";
import { GroundDisc, GroundHeights } from "./ground";
import { Daylight } from "./light";
import { sharedUniforms, type Uniforms } from "./materials";
import { Measuring } from "./measure";
import { HOVERED, ObjectStates, SPARE_HANDLES } from "./objects";
import { Picker } from "./picking";
import { Pictures } from "./pictures";
import { Pointing } from "./pointing";
import { Probe } from "./probe";
import { Programs } from "./programs";
import { SectionFrame } from "./section";
import { Surfaces } from "./surfaces";
import { CityTiles } from "./tiles";

const STATS_MS = 500;
/** Time between frames that only moving things ask for, where the processor draws. */
const SLOW_MS = 200;

export abstract class EngineBase {
  readonly canvas: HTMLCanvasElement;
  protected readonly quality: Quality;
  protected readonly renderer: WebGLRenderer;
  protected readonly scene = new Scene();
  protected readonly events = new Emitter<EngineEvents>();
  protected readonly heights = new GroundHeights();
  protected readonly basemap: Basemap;
  protected readonly disc: GroundDisc;
  protected readonly view: CityCamera;
  protected readonly pointing: Pointing;
  protected readonly controls: Controls;
  protected readonly daylight: Daylight;
  protected readonly programs: Programs;
  protected readonly arrivals: Arrivals;
  protected readonly probe: Probe;
  protected readonly picker: Picker;
  readonly drafting: EngineDrafting;
  protected readonly analysis: Analysis;
  protected readonly caps: Caps;
  protected readonly measuring: Measuring;
  protected readonly surfaces = new Surfaces();
  readonly pictures: Pictures;
  protected readonly frame = new SectionFrame();
  protected readonly observer: ResizeObserver;
  protected manifest: SceneManifest | null = null;
  protected tiles: CityTiles | null = null;
  protected objects = new ObjectStates(0);
  protected uniforms: Uniforms = sharedUniforms(this.objects);
  protected overlay: OverlaySpec | null = null;
  protected veil = 0;
  protected mapName = "";
  protected wanted = true;
  protected handle = 0;
  protected idle = false;
  protected size = { width: 1, height: 1 };
  protected clock = { last: performance.now(), told: 0, frames: 0, spent: 0, fps: 0, lastCount: 0 };
  protected disposed = false;

  constructor(
    private readonly container: HTMLElement,
    private readonly options: EngineOptions,
  ) {
    this.quality = chooseQuality(options.antialias);
    this.renderer = new WebGLRenderer({ antialias: this.quality.antialias, powerPreference: "high-performance", stencil: true });
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
    // `Programs` asks for errors, at a time when the answer is there.
    this.renderer.debug.checkShaderErrors = false;
    this.basemap = new Basemap({
      renderer: this.renderer,
      size: this.quality.software ? 1024 : 2048,
      sharpness: this.quality.software ? 1.3 : 1,
      changed: () => this.requestFrame(),
      failed: (message) => this.events.emit("basemap", { name: this.mapName, message }),
    });
    this.disc = new GroundDisc(this.basemap.uniforms);
    this.view = new CityCamera(this.heights);
    this.daylight = new Daylight(this.scene, this.renderer, this.disc, this.quality.shadowSize);
    this.pictures = new Pictures({
      renderer: this.renderer,
      view: this.view,
      size: () => this.size,
      light: () => ({ sun: this.uniforms.uSunDirection.value, night: this.uniforms.uNight.value, haze: this.daylight.fog.color, density: this.daylight.fog.density }),
      requestFrame: () => this.requestFrame(),
    });
    this.pictures.pace_ms = this.quality.software ? SLOW_MS : 0;
    this.scene.add(this.pictures.group);
    this.programs = new Programs(this.renderer, this.scene, this.view.camera);
    this.arrivals = new Arrivals(this.renderer, this.programs, () => this.daylight.casting);
    this.probe = new Probe(this.renderer, this.scene, this.programs);
    this.caps = new Caps(this.renderer);
    this.picker = new Picker(this.renderer, this.probe, this.view.camera, () => this.unveil());
    this.analysis = new Analysis({
      probe: this.probe,
      only: (wanted) => this.unveil(wanted === "ground"),
      range: () => [this.manifest?.bounds[2] ?? 0, this.manifest?.bounds[5] ?? 0],
      level: () => (this.disc.solid ? this.disc.level : Number.NaN),
    });
    this.measuring = new Measuring({
      size: () => this.size,
      complete: (measurement, points) => this.analysis.complete(measurement, points),
      told: (measurement) => this.events.emit("measure", measurement),
    });
    this.drafting = new EngineDrafting({
      canvas: this.canvas,
      view: this.view,
      size: () => this.size,
      terrain: () => [...(this.tiles?.layers.values() ?? [])].filter((layer) => layer.spec.theme === "terrain").map((layer) => layer.group),
      level: () => (this.disc.solid ? this.disc.level : Number.NaN),
      changed: () => this.changed(),
      requestFrame: () => this.requestFrame(),
    });
    this.scene.add(this.daylight.group, this.disc.mesh, this.surfaces.group, this.measuring.group, this.frame.object, this.drafting.group);
    this.pointing = new Pointing({
      canvas: this.canvas,
      view: this.view,
      disc: this.disc,
      picker: this.picker,
      measuring: this.measuring,
      drafting: this.drafting,
      events: this.events,
      size: () => this.size,
      layerOf: (handle) => this.tiles?.layerOf(handle) ?? "",
      level: () => this.heights.level,
      vehicleAt: (x, y, hit_m) => this.pictures.pick(x, y, this.view.camera, hit_m),
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
    this.objects = new ObjectStates(manifest.count + SPARE_HANDLES);
    this.uniforms = { ...sharedUniforms(this.objects), ...this.basemap.uniforms };
    this.probe.bind(this.uniforms);
    this.caps.bind(this.uniforms);
    this.surfaces.bind(this.uniforms);
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
      arrivals: this.arrivals,
      terrain: (geometry, matrix) => this.heights.add(geometry, matrix),
    });
    this.scene.add(this.tiles.group);
    this.daylight.load(manifest);
    this.daylight.setTime(manifest.time, this.uniforms);
    this.daylight.setTheme(manifest.theme, this.uniforms);
    this.arrived();
  }

  async renew(manifest: SceneManifest): Promise<(handle: number) => number> {
    const before = this.manifest;
    if (!this.tiles || !before) {
      await this.load(manifest);
      return () => -1;
    }
    await this.tiles.prepare(manifest);
    if (!this.tiles || this.disposed) return () => -1;
    const way = this.tiles.renew(manifest);
    this.manifest = { ...manifest, theme: before.theme };
    if (manifest.epoch !== before.epoch) {
      const old = this.objects;
      this.objects = old.renumbered(manifest.count + SPARE_HANDLES, way);
      for (const [uniform, texture] of [
        [this.uniforms.uCodes, this.objects.codes],
        [this.uniforms.uFlags, this.objects.flags],
        [this.uniforms.uPalette, this.objects.palette],
      ] as const)
        uniform.value = texture;
      old.dispose();
    }
    this.changed();
    return way;
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.handle);
    this.pictures.dispose();
    this.pointing.reset();
    this.observer.disconnect();
    this.controls.dispose();
    this.unload();
    for (const part of [this.measuring, this.surfaces, this.frame, this.drafting, this.picker, this.probe, this.programs, this.arrivals, this.caps, this.daylight, this.disc, this.basemap]) part.dispose();
    this.renderer.dispose();
    this.events.clear();
    this.canvas.remove();
  }

  resize(): void {
    const width = Math.max(1, this.container.clientWidth);
    const height = Math.max(1, this.container.clientHeight);
    this.fit(width, height, Math.min(window.devicePixelRatio, this.quality.maxPixelRatio));
    this.draw(true);
  }

  on<K extends keyof EngineEvents>(event: K, listener: (value: EngineEvents[K]) => void): () => void {
    return this.events.on(event, listener);
  }

  stats(): EngineStats {
    const { render } = this.renderer.info;
    return {
      fps: this.clock.fps,
      tilesLoaded: this.tiles?.loaded ?? 0,
      tilesPending: (this.tiles?.pending ?? 0) + this.basemap.pending,
      triangles: render.triangles,
      drawCalls: render.calls,
      gpuMegabytes: (this.tiles?.megabytes ?? 0) + this.objects.megabytes,
      frames: this.clock.frames,
      latePrograms: this.programs.late,
    };
  }

  requestFrame(): void {
    this.wanted = true;
  }

  drawNow(): void {
    this.draw();
    this.events.emit("camera", this.view.state());
  }

  // -- inside -------------------------------------------------------------------------------------

  private readonly tick = (now: number): void => {
    if (this.disposed) return;
    this.handle = requestAnimationFrame(this.tick);
    const seconds = Math.min(0.1, (now - this.clock.last) / 1000);
    this.clock.last = now;
    const led = this.pictures.lead(performance.now());
    const moving = this.controls.update(seconds) || this.view.update(performance.now()) || led;
    if (moving || this.wanted) {
      this.draw();
      this.events.emit("camera", this.view.state());
    } else if (this.pictures.due(performance.now())) this.draw();
    this.tellStats(now);
  };

  /** Draws in another size from now on; the page's place for the canvas stays as it is. */
  protected fit(width: number, height: number, ratio: number): void {
    this.size = { width, height };
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
    this.view.resize(width, height);
  }

  /** Draws, or puts it off until nothing has to be waited for; `now` = there is no later, after the first frame. */
  protected draw(now = false): void {
    if (this.renderer.getContext().isContextLost()) return;
    this.wanted = false;
    const began = performance.now();
    this.uniforms.uPixel.value = (2 * Math.tan((this.view.camera.fov * Math.PI) / 360)) / this.size.height;
    if (this.tiles?.update(this.view.camera, this.renderer)) this.wanted = true;
    this.basemap.update(this.view.camera, this.uniforms.uPixel.value / this.renderer.getPixelRatio(), this.heights.level, this.manifest?.bounds[5] ?? 0);
    this.daylight.follow(this.view, this.view.reach);
    if (!this.mayDraw() && !(now && this.clock.frames > 0)) {
      this.wanted = true;
      return;
    }
    this.objects.flush();
    this.pictures.prepare(performance.now(), this.uniforms.uPixel.value);
    this.measuring.scale(this.view.camera, this.size.height);
    this.drafting.scale(this.view.camera, this.size.height);
    this.renderer.info.reset();
    if (this.renderer.shadowMap.needsUpdate) this.programs.meetLights();
    this.renderer.render(this.scene, this.view.camera);
    this.caps.draw(this.scene, this.view.camera);
    this.drafting.drawFront(this.renderer, this.view.camera);
    this.programs.drawn();
    this.clock.frames++;
    this.clock.spent = performance.now() - began;
    this.tellIdle();
  }

  /** Whether a frame has no program to wait for; all that is missing is started. */
  private mayDraw(): boolean {
    const { programs } = this;
    return [programs.mayDraw(this.daylight.casting), this.caps.ready(this.view.camera, programs), this.drafting.ready(programs)].every(Boolean);
  }

  /** Nothing left to load: say so once. The frame after a change settles what became visible. */
  private tellIdle(): void {
    const idle = this.tiles !== null && this.tiles.pending === 0 && !this.wanted;
    if (idle && !this.idle) {
      this.events.emit("idle", this.stats());
      void this.probe.ready(this.view.camera);
    }
    this.idle = idle;
  }

  private tellStats(now: number): void {
    if (now - this.clock.told < STATS_MS) return;
    this.clock.fps = ((this.clock.frames - this.clock.lastCount) * 1000) / Math.max(1, now - this.clock.told);
    this.clock.told = now;
    this.clock.lastCount = this.clock.frames;
    if (this.events.has("stats")) this.events.emit("stats", this.stats());
  }

  protected changed(): void {
    this.renderer.shadowMap.needsUpdate = true;
    this.requestFrame();
  }

  private restored(): void {
    this.programs.reset();
    this.basemap.restored();
    this.objects.uploadAll();
    this.changed();
  }

  /** For a pick: without the layers that one looks through, or without all but the ground, and with the latest state. */
  protected unveil(ground = false): () => void {
    const away = [...(this.tiles?.layers.values() ?? [])].filter((layer) => layer.visible && !(layer.pickable && (layer.cover || !ground)));
    for (const layer of away) layer.group.visible = false;
    this.surfaces.group.visible = !ground;
    this.objects.flush();
    return () => {
      this.surfaces.group.visible = true;
      for (const layer of away) layer.group.visible = true;
    };
  }

  /** A city has come: light, ground and camera as they are at first. */
  protected abstract arrived(): void;

  private unload(): void {
    this.tiles?.dispose();
    this.tiles = null;
    this.objects.dispose();
    this.surfaces.dispose();
    this.pictures.clear();
    this.measuring.stop();
    this.pointing.reset();
    this.overlay = null;
    this.idle = false;
    this.manifest = null;
  }
}

