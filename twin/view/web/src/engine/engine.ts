/** The engine: one canvas with a streamed city, its state textures, light, camera and tools. */

import { Vector3 } from "three";
import type { BasemapLook, BasemapSpec, Box6, CameraState, CityEngine, CreateEngine, OverlaySpec, Pick, PointLook, SectionPlane, Theme, Vec3 } from "./api";
import { EngineBase } from "./base";
import type { GroundDisc } from "./ground";
import { exceedances, glassBody } from "./limit";
import { GHOST, HIDDEN, SELECTED, SOLID } from "./objects";
import { boxCuts, planeCut } from "./section";
import type { HeightLimit, MeasureKind, SectionBox, Skyline, Trench, Viewshed } from "./tool_api";
import type { CityLayer } from "./tiles";
import { OpenTrench, trenchBody, trenchPlanes, trenchRims } from "./trench";
import { covering } from "./covering";
import { Walker } from "./walk";

/** Time between two looks at what is still to come. */
const SETTLE_MS = 40;
const VIEWSHED = "viewshed";
const LIMIT = "limit";
const TRENCH = "trench";

class Engine extends EngineBase implements CityEngine {
  private section: SectionPlane | null = null;
  private sectionBox: SectionBox | null = null;
  private trench: Trench | null = null;
  /** Heights of the edges that its sides were made for. */
  private rims = "";
  private unwatch: (() => void) | null = null;
  private walker: Walker | null = null;

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

  select(handles: Iterable<number>): void {
    this.objects.markOnly(handles, SELECTED);
    this.requestFrame();
  }

  hide(handles: Iterable<number>, hidden: boolean): void {
    this.objects.mark(handles, HIDDEN, hidden);
    this.changed();
  }

  showAll(): void {
    this.objects.markOnly([], HIDDEN);
    this.ghost([]);
    this.isolate([]);
  }

  isolate(handles: Iterable<number>): void {
    this.objects.markOnly(handles, SOLID);
    this.uniforms.uIsolate.value = this.objects.any(SOLID) ? 1 : 0;
    this.haunt();
  }

  ghost(handles: Iterable<number>): void {
    this.objects.markOnly(handles, GHOST);
    this.haunt();
  }

  within(shape: [number, number][]): Uint32Array {
    const { left, top } = this.canvas.getBoundingClientRect();
    return this.analysis.within(shape.map(([x, y]) => [x - left, y - top]), this.view.camera, this.size);
  }

  surfaceAt(clientX: number, clientY: number): Promise<Vec3 | null> {
    return this.pointing.surfaceAt(clientX, clientY);
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

  async setSurface(name: string, glb: ArrayBuffer | null, first: number | null = null): Promise<void> {
    await this.surfaces.set(name, glb, first);
    this.changed();
  }

  setBasemap(spec: BasemapSpec | null): void {
    this.mapName = spec?.name ?? "";
    this.basemap.set(spec);
  }

  setBasemapLook(look: BasemapLook): void {
    this.basemap.setLook(look);
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

  removeMeasure(id: number): void {
    this.measuring.remove(id);
    this.requestFrame();
  }

  async measureHere(): Promise<void> {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    await this.pointing.point(left + width / 2, top + height / 2);
  }

  undoMeasure(): Promise<void> {
    return this.pointing.then(() => this.measuring.undo());
  }

  endMeasure(): Promise<void> {
    return this.pointing.then(() => this.measuring.end());
  }

  setMeasureBase(id: number, base_m: number): void {
    this.measuring.rebase(id, base_m);
    this.requestFrame();
  }

  walkFrom(point: Vec3): void {
    this.controls.halt();
    this.walker = new Walker(this.view, this.analysis, () => this.heights.level);
    this.walker.start(new Vector3(...point));
    this.requestFrame();
  }

  walk(right_m: number, forward_m: number): boolean {
    const went = this.walker?.go(right_m, forward_m) ?? false;
    this.requestFrame();
    return went;
  }

  lookAround(turn_deg: number, tilt_deg: number): void {
    this.walker?.look(turn_deg, tilt_deg);
    this.requestFrame();
  }

  endWalk(): void {
    this.walker?.end();
    this.walker = null;
  }

  covering(points: Float32Array): Promise<Float32Array> {
    return covering(this.probe, this.renderer, this.view.camera, () => this.unveil(), points);
  }

  viewshed(point: Vec3, radius_m: number): Viewshed {
    const { viewshed, mesh } = this.analysis.viewshed(new Vector3(...point), radius_m);
    this.surfaces.put(VIEWSHED, mesh);
    this.requestFrame();
    return viewshed;
  }

  clearViewshed(): void {
    this.surfaces.put(VIEWSHED, null);
    this.requestFrame();
  }

  skyline(eye: Vec3, start_deg: number, span_deg: number): Skyline {
    const turned = this.manifest?.origin.convergence_deg ?? 0;
    const found = this.analysis.skyline(new Vector3(...eye), start_deg - turned, span_deg);
    this.requestFrame();
    return { ...found, start_deg };
  }

  limitHeight(corners: Vec3[], base_m: number, top_m: number, slope = 0): HeightLimit {
    const points = corners.map((corner) => new Vector3(...corner));
    this.surfaces.put(LIMIT, glassBody(points, base_m, top_m, slope));
    this.requestFrame();
    return exceedances(this.analysis.relief, points, top_m, slope);
  }

  clearLimit(): void {
    this.surfaces.put(LIMIT, null);
    this.requestFrame();
  }

  setSection(section: SectionPlane | null): void {
    this.section = section;
    this.cut();
  }

  setSectionBox(box: SectionBox | null): void {
    this.sectionBox = box;
    this.cut();
  }

  setTrench(trench: Trench | null): void {
    this.trench = trench;
    this.rims = "";
    const planes = trench ? trenchPlanes(trench) : [];
    for (const ground of this.grounds) ground.setTrench(planes);
    this.unwatch?.();
    this.unwatch = trench && this.on("idle", () => this.dig());
    if (!trench) this.surfaces.put(TRENCH, null);
    this.dig();
    this.changed();
  }

  private get grounds(): (CityLayer | GroundDisc)[] {
    return [...(this.tiles?.layers.values() ?? []), this.disc];
  }

  /** Fits the sides of the trench to the ground, which may have come since, or come in finer tiles. */
  private dig(): void {
    const { trench } = this;
    const edges = trench && trenchRims(trench, this.analysis.relief);
    if (!trench || !edges) {
      this.pointing.trench = null;
      return;
    }
    const rims = JSON.stringify(edges.map((edge) => edge.map(({ z }) => Math.round(z * 20))));
    if (rims === this.rims) return;
    this.rims = rims;
    const body = trenchBody(trench, edges);
    this.surfaces.put(TRENCH, body);
    this.pointing.trench = new OpenTrench(trench, body, (on) => {
      for (const ground of this.grounds) ground.setThrough(on);
    });
    Object.assign(body.material, { polygonOffset: false });
    this.changed();
  }

  async snapshot(): Promise<Blob> {
    const restore = this.drafting.bare();
    this.draw(true);
    restore();
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be encoded"))), "image/png");
    });
  }

  async picture(width: number, height: number, points = new Float32Array()): Promise<{ image: ImageBitmap; places: Float32Array }> {
    this.fit(width, height, 1);
    const restore = this.drafting.bare();
    try {
      await this.settled();
      this.draw(true);
      const image = createImageBitmap(this.canvas);
      return { image: await image, places: this.project(points) };
    } finally {
      restore();
      this.resize();
    }
  }

  // -- inside -------------------------------------------------------------------------------------

  protected arrived(): void {
    this.endWalk();
    this.setShadows(this.daylight.shadowsOn);
    this.setUnderground(0);
    this.cut();
    this.setTrench(null);
    this.home(0);
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

  /** Waits until nothing is left to load. */
  private async settled(): Promise<void> {
    do {
      this.draw();
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    } while (!this.disposed && (this.stats().tilesPending > 0 || this.programs.pending || this.view.flying));
  }

  /** Gives the cuts to all that is cut. */
  private cut(): void {
    const plane = this.section && this.manifest ? planeCut(this.section, this.manifest.bounds) : null;
    const cuts = [...(plane ? [plane] : []), ...(this.sectionBox ? boxCuts(this.sectionBox) : [])];
    const planes = cuts.map((each) => each.plane);
    for (const part of [...(this.tiles?.layers.values() ?? []), this.probe, this.surfaces]) part.setPlanes(planes);
    this.caps.setCuts(cuts);
    this.uniforms.uCut.value = cuts.length > 0 ? 1 : 0;
    this.frame.show(plane, this.sectionBox);
    this.changed();
  }

  /** Shows the ghosts where there are some. */
  private haunt(): void {
    const some = this.objects.any(SOLID) || this.objects.any(GHOST);
    for (const layer of this.tiles?.layers.values() ?? []) layer.setGhosts(some);
    this.changed();
  }
}

/** Put an engine into a container that has a size. */
export const createEngine: CreateEngine = (container, options = {}) => new Engine(container, options);
