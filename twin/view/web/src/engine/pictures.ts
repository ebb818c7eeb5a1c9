/** Everything that moves and every thematic picture of one view. */

import { type Color, Group, type PerspectiveCamera, Vector3, type WebGLRenderer } from "three";
import type { Vec3 } from "./api";
import type { CityCamera } from "./camera";
import { Columns3d } from "./columns3d";
import { Flows } from "./flows";
import { Heat } from "./heat";
import type { PictureEngine, PictureFacts, PictureSpec, VehicleColours, VehicleFrame, VehicleState } from "./picture_api";
import { Vehicles } from "./vehicles";

type Picture = Heat | Columns3d | Flows;

export interface PicturesHost {
  readonly renderer: WebGLRenderer;
  readonly view: CityCamera;
  size(): { width: number; height: number };
  light(): { sun: Vector3; night: number; haze: Color; density: number };
  requestFrame(): void;
}

/** Metres from which one looks at a vehicle that is followed, at first. */
const FOLLOW_M = 90;
/** Shares a second by which the camera catches up with it. */
const CATCH_UP = 6;

export class Pictures implements PictureEngine {
  readonly group = new Group();
  followed: number | null = null;
  pace_ms = 0;
  private readonly vehicles = new Vehicles();
  private readonly shown = new Map<string, Picture>();
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly was = new Vector3();
  /** What the camera still has to go after what it follows. */
  private readonly behind = new Vector3();
  private led_ms = 0;
  private drawn_ms = 0;

  constructor(private readonly host: PicturesHost) {
    this.group.add(this.vehicles.mesh);
    this.vehicles.mesh.visible = true;
  }

  put(name: string, spec: PictureSpec | null): PictureFacts | null {
    const old = this.shown.get(name);
    old?.object.removeFromParent();
    old?.dispose();
    this.shown.delete(name);
    this.host.requestFrame();
    if (!spec) return null;
    const made = spec.type === "heat" ? new Heat(this.host.renderer, spec) : spec.type === "columns" ? new Columns3d(spec) : new Flows(spec);
    this.shown.set(name, made);
    this.group.add(made.object);
    return made.facts;
  }

  move(frame: VehicleFrame): void {
    this.vehicles.apply(frame, performance.now() / 1000);
    if (this.followed !== null && !this.vehicle(this.followed)) this.followVehicle(null);
    this.host.requestFrame();
  }

  showVehicles(shown: boolean): void {
    this.vehicles.mesh.visible = shown;
    if (!shown) this.followVehicle(null);
    this.host.requestFrame();
  }

  colourVehicles(by: VehicleColours): void {
    this.vehicles.setColours(by);
    this.host.requestFrame();
  }

  selectVehicle(number: number | null): void {
    if (number === this.vehicles.selected) return;
    this.vehicles.select(number);
    this.host.requestFrame();
  }

  followVehicle(number: number | null): void {
    this.followed = null;
    const state = number === null ? null : this.vehicle(number);
    if (!state) return;
    this.followed = number;
    this.was.set(...state.point);
    this.behind.set(0, 0, 0);
    const { view } = this.host;
    const away = view.position.clone().sub(view.target());
    if (away.z < away.length() * 0.3) away.z = away.length() * 0.4;
    away.setLength(FOLLOW_M);
    const [x, y, z] = state.point;
    view.set({ position: [x + away.x, y + away.y, z + away.z], target: [x, y, z] }, 0.8);
    this.host.requestFrame();
  }

  vehicle(number: number): VehicleState | null {
    return this.vehicles.state(number, performance.now() / 1000);
  }

  vehiclesNear(point: Vec3, most: number): number[] {
    return this.vehicles.near(point, most, performance.now() / 1000);
  }

  get vehicleCount(): number {
    return this.vehicles.size;
  }

  /** The vehicle at a place of the picture, if nothing nearer than `hit_m` stands before it. */
  pick(x: number, y: number, camera: PerspectiveCamera, hit_m: number): number | null {
    return this.vehicles.pick(x, y, camera, this.host.size(), hit_m, performance.now() / 1000);
  }

  /** Whether a frame is due only because something here moves. */
  due(now_ms: number): boolean {
    const moves = this.vehicles.moving(now_ms / 1000) || (!this.still.matches && [...this.shown.values()].some((each) => each instanceof Flows));
    return moves && now_ms - this.drawn_ms >= this.pace_ms;
  }

  /** Takes the camera along with what is followed; says whether it moved. */
  lead(now_ms: number): boolean {
    if (this.followed === null) return false;
    const state = this.vehicles.state(this.followed, now_ms / 1000);
    if (!state) return false;
    this.behind.add(new Vector3(...state.point).sub(this.was));
    this.was.set(...state.point);
    const seconds = Math.min(0.5, (now_ms - this.led_ms) / 1000);
    this.led_ms = now_ms;
    if (this.behind.lengthSq() < 1e-6 || this.host.view.flying) return false;
    const step = this.behind.clone().multiplyScalar(1 - Math.exp(-CATCH_UP * seconds));
    this.behind.sub(step);
    this.host.view.move(step);
    return true;
  }

  /** Before a frame is drawn. */
  prepare(now_ms: number, pixel: number): void {
    this.drawn_ms = now_ms;
    const { view } = this.host;
    const light = this.host.light();
    this.vehicles.prepare(now_ms / 1000, pixel, light);
    for (const each of this.shown.values()) {
      if (each instanceof Columns3d) each.prepare(pixel, light.sun);
      if (each instanceof Flows) each.prepare(this.still.matches ? 0 : now_ms / 1000, this.host.size(), pixel * view.distance);
    }
  }

  /** Another city comes. */
  clear(): void {
    this.followed = null;
    this.vehicles.clear();
    for (const name of [...this.shown.keys()]) this.put(name, null);
  }

  dispose(): void {
    this.clear();
    this.vehicles.dispose();
  }
}
