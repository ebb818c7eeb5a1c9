/** The engine's side of drawing and editing: places under the pointer, the picture of drafts, and handles. */

import { Group, type Object3D, type PerspectiveCamera, Ray, Raycaster, Scene, Vector3, type WebGLRenderer } from "three";
import type { Drafting, DraftSolid, HandleSet, PointerTool, Sketch, Vec3 } from "./api";
import type { CityCamera } from "./camera";
import { DraftPicture, rayThrough } from "./draft";
import { Handles, onLine } from "./handles";
import type { Programs } from "./programs";

/** Height from which the ground below is looked for, metres. */
const ABOVE_M = 9000;
const SHADOW_MS = 180;

export interface DraftingHost {
  readonly canvas: HTMLCanvasElement;
  readonly view: CityCamera;
  size(): { width: number; height: number };
  /** The terrain that is loaded. */
  terrain(): Object3D[];
  /** Level of the wide ground around and below everything; NaN = one looks through it. */
  level(): number;
  /** Shadows are drawn anew with the next frame. */
  changed(): void;
  requestFrame(): void;
}

export class EngineDrafting implements Drafting {
  readonly group = new Group();
  tool: PointerTool | null = null;
  private readonly picture = new DraftPicture();
  private readonly handles: Handles;
  /** What is drawn after everything else, so that nothing covers it. */
  private readonly front = new Scene();
  private timer = 0;

  constructor(private readonly host: DraftingHost) {
    this.handles = new Handles({
      canvas: host.canvas,
      ray: (clientX, clientY) => this.ray(clientX, clientY),
      project: (points) => host.view.project(points, host.size()),
      requestFrame: () => host.requestFrame(),
    });
    this.group.add(this.picture.group);
    this.front.add(this.handles.group);
  }

  get free(): boolean {
    return this.handles.free;
  }

  groundAt(clientX: number, clientY: number): Vec3 | null {
    return this.ground(this.ray(clientX, clientY))?.toArray() ?? null;
  }

  levelAt(clientX: number, clientY: number, z: number): Vec3 | null {
    return this.host.view.onLevel(this.ray(clientX, clientY), z)?.toArray() ?? null;
  }

  uprightAt(clientX: number, clientY: number, foot: Vec3): number | null {
    const found = onLine(this.ray(clientX, clientY), new Vector3(...foot), new Vector3(0, 0, 1));
    return found ? found.z - foot[2] : null;
  }

  groundHeights(places: [number, number][]): number[] {
    const down = new Vector3(0, 0, -1);
    return places.map(([x, y]) => this.ground(new Ray(new Vector3(x, y, ABOVE_M), down))?.z ?? 0);
  }

  metresPerPixel(at: Vec3): number {
    const { camera } = this.host.view;
    const away = new Vector3(...at).distanceTo(camera.position);
    return (2 * away * Math.tan((camera.fov * Math.PI) / 360)) / this.host.size().height;
  }

  setTool(tool: PointerTool | null): void {
    this.tool = tool;
    this.host.canvas.style.cursor = tool ? "crosshair" : "";
    this.host.requestFrame();
  }

  showSolids(solids: DraftSolid[]): void {
    this.picture.showSolids(solids);
    this.host.requestFrame();
    // Shadows follow when the pointer rests.
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.host.changed(), SHADOW_MS);
  }

  showSketch(sketch: Sketch | null): void {
    const { width, height } = this.host.size();
    this.picture.showSketch(sketch, width, height);
    this.host.requestFrame();
  }

  setHandles(owner: string, set: HandleSet | null): void {
    this.handles.set(owner, set);
  }

  handlePlaces(): { owner: string; name: string; x: number; y: number }[] {
    return this.handles.places();
  }

  /** The draft below a place of the page, unless something nearer hides it. */
  draftAt(clientX: number, clientY: number, before_m: number): string | null {
    const { x, y } = this.place(clientX, clientY);
    const hit = this.picture.hit(rayThrough(this.host.view.camera, x, y));
    return hit && hit.distance <= before_m + 0.5 ? hit.key : null;
  }

  /** Without handles, for a picture that is taken along; the answer puts them back. */
  bare(): () => void {
    this.handles.group.visible = false;
    return () => (this.handles.group.visible = true);
  }

  /** Whether `drawFront` has no program to wait for. */
  ready(programs: Programs): boolean {
    return this.handles.group.children.length === 0 || programs.mayDrawAlso(this.front);
  }

  /** After the city and its cuts were drawn. */
  drawFront(renderer: WebGLRenderer, camera: PerspectiveCamera): void {
    if (this.handles.group.children.length === 0 || !this.handles.group.visible) return;
    renderer.autoClear = false;
    renderer.render(this.front, camera);
    renderer.autoClear = true;
  }

  scale(camera: PerspectiveCamera, height: number): void {
    this.picture.scale(camera, height);
    this.handles.scale(camera, height);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.picture.dispose();
    this.handles.dispose();
  }

  /** Where a ray meets the terrain, or the wide ground before it. */
  private ground(ray: Ray): Vector3 | null {
    const raycaster = new Raycaster(ray.origin, ray.direction);
    const [terrain] = raycaster.intersectObjects(this.host.terrain(), true);
    const wide = this.host.view.onLevel(ray, this.host.level());
    if (!terrain || (wide && wide.distanceTo(ray.origin) < terrain.distance)) return wide;
    return terrain.point;
  }

  private place(clientX: number, clientY: number): { x: number; y: number } {
    const { left, top } = this.host.canvas.getBoundingClientRect();
    const { width, height } = this.host.size();
    return { x: ((clientX - left) / width) * 2 - 1, y: 1 - ((clientY - top) / height) * 2 };
  }

  private ray(clientX: number, clientY: number): Ray {
    const { x, y } = this.place(clientX, clientY);
    return this.host.view.ray(x, y);
  }
}
