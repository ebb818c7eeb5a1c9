/** What the cursor means: the object or point below it, hovering, clicks, and clicks while measuring. */

import type { Vector3 } from "three";
import type { EngineEvents, Pick } from "./api";
import type { CityCamera } from "./camera";
import type { ControlsHost } from "./controls";
import type { EngineDrafting } from "./drafting";
import type { Emitter } from "./events";
import type { GroundDisc } from "./ground";
import type { Measuring } from "./measure";
import type { Hit, Picker } from "./picking";
import type { OpenTrench } from "./trench";

const HOVER_MS = 70;
/** A second look that goes no further than the first, give or take so many metres, met the same thing. */
const SAME_M = 0.1;

export interface PointingHost {
  readonly canvas: HTMLCanvasElement;
  readonly view: CityCamera;
  readonly disc: GroundDisc;
  readonly picker: Picker;
  readonly measuring: Measuring;
  readonly drafting: EngineDrafting;
  readonly events: Emitter<EngineEvents>;
  size(): { width: number; height: number };
  layerOf(handle: number): string;
  /** Level of the ground far from any terrain. */
  level(): number;
  /** What moves at a place of the picture and is not hidden by what is so far away; null = nothing. */
  vehicleAt(x: number, y: number, hit_m: number): number | null;
  /** Whether the view moves, so that hovering means nothing. */
  busy(): boolean;
  highlight(handle: number): void;
  requestFrame(): void;
}

export class Pointing implements ControlsHost {
  /** A trench that is open: within it one points at what lies in the ground. */
  trench: OpenTrench | null = null;
  private lastHover = 0;
  private timer = 0;
  private hovered = -1;
  private over = false;
  /** Clicks are answered in their order, though each waits for the graphics card. */
  private clicks: Promise<unknown> = Promise.resolve();
  /** Looks come one after the other, for a look into a trench opens the ground. */
  private looks: Promise<unknown> = Promise.resolve();

  constructor(private readonly host: PointingHost) {}

  /** Point to hold on to: of the city, of the ground, or at the view's distance. */
  grab(clientX: number, clientY: number): Vector3 {
    const { picker, view } = this.host;
    const { x, y, width, height } = this.place(clientX, clientY);
    const hit = this.withGround(picker.pick(x, y, width, height), x, y);
    if (hit) return hit.point;
    const ray = view.ray((x / width) * 2 - 1, 1 - (y / height) * 2);
    return view.onLevel(ray, this.host.level()) ?? ray.at(view.distance, view.target());
  }

  /** The object at a place of the page. */
  async pickAt(clientX: number, clientY: number): Promise<Pick | null> {
    return this.asPick(await this.hit(clientX, clientY));
  }

  /** The surface at a place of the page, whatever it is. */
  async surfaceAt(clientX: number, clientY: number): Promise<[number, number, number] | null> {
    return (await this.hit(clientX, clientY))?.point.toArray() ?? null;
  }

  /** A point of a measurement, without the mouse. */
  async point(clientX: number, clientY: number): Promise<void> {
    this.inOrder(async () => {
      const hit = await this.hit(clientX, clientY);
      if (hit && this.host.measuring.active) this.host.measuring.add(hit.point);
    });
    await this.clicks;
  }

  /** Something that comes after the clicks before it. */
  async then(act: () => void): Promise<void> {
    this.inOrder(async () => act());
    await this.clicks;
  }

  click(clientX: number, clientY: number, more: boolean, time_ms: number): void {
    const { tool } = this.host.drafting;
    if (tool) return tool.click(clientX, clientY, time_ms);
    this.inOrder(async () => {
      const hit = await this.hit(clientX, clientY);
      if (this.moves(clientX, clientY, hit)) return;
      const { measuring, events, drafting } = this.host;
      const draft = measuring.active ? null : drafting.draftAt(clientX, clientY, hit?.distance ?? Infinity);
      if (draft !== null) events.emit("draft", draft);
      else if (!measuring.active) events.emit(more ? "pickmore" : "pick", this.asPick(hit));
      else if (hit) measuring.add(hit.point);
    });
  }

  doubleClick(clientX: number, clientY: number, time_ms: number): void {
    const { tool } = this.host.drafting;
    if (tool) return tool.double(clientX, clientY, time_ms);
    this.inOrder(async () => {
      const { measuring, events } = this.host;
      if (measuring.active) {
        measuring.end();
        return;
      }
      const pick = this.asPick(await this.hit(clientX, clientY));
      if (pick) events.emit("doublepick", pick);
    });
  }

  hover(clientX: number, clientY: number): void {
    const { tool } = this.host.drafting;
    if (tool) return tool.move(clientX, clientY);
    this.over = true;
    clearTimeout(this.timer);
    const wait = Math.max(0, HOVER_MS - (performance.now() - this.lastHover));
    this.timer = window.setTimeout(() => void this.hoverNow(clientX, clientY), wait);
  }

  leave(): void {
    this.over = false;
    clearTimeout(this.timer);
    this.setHovered(null);
  }

  changed(): void {
    this.host.requestFrame();
  }

  /** Forget the object below the cursor, for the city goes. */
  reset(): void {
    clearTimeout(this.timer);
    this.hovered = -1;
  }

  private inOrder(act: () => Promise<void>): void {
    this.clicks = this.clicks
      .then(act)
      .catch((error: unknown) => this.host.events.emit("error", { message: String(error) }))
      .finally(() => this.host.requestFrame());
  }

  private place(clientX: number, clientY: number): { x: number; y: number; width: number; height: number } {
    const box = this.host.canvas.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top, ...this.host.size() };
  }

  private hit(clientX: number, clientY: number): Promise<Hit | null> {
    const { x, y } = this.place(clientX, clientY);
    const mine = this.looks.then(async () => {
      const { trench } = this;
      const first = await this.look(x, y);
      return first && trench?.holds(first.point) ? this.lookInto(trench, first, x, y) : first;
    });
    this.looks = mine.catch(() => null);
    return mine;
  }

  private async look(x: number, y: number): Promise<Hit | null> {
    const { width, height } = this.host.size();
    return this.withGround(await this.host.picker.pickLater(x, y, width, height), x, y);
  }

  /** Through the ground at an open trench, as far as its sides and its floor. */
  private async lookInto(trench: OpenTrench, first: Hit, x: number, y: number): Promise<Hit> {
    trench.through(true);
    const deep = await this.look(x, y).finally(() => trench.through(false));
    if (deep && deep.distance <= first.distance + SAME_M) return first;
    const { view } = this.host;
    const { width, height } = this.host.size();
    const side = trench.meets(view.ray((x / width) * 2 - 1, 1 - (y / height) * 2), first.distance - SAME_M);
    if (!side) return first;
    const distance = side.distanceTo(view.position);
    return deep && deep.distance <= distance ? deep : { handle: -1, point: side, distance };
  }

  /** The nearer of a hit and the wide ground. */
  private withGround(hit: Hit | null, x: number, y: number): Hit | null {
    const { disc, view } = this.host;
    if (!disc.solid) return hit;
    const { width, height } = this.host.size();
    const point = view.onLevel(view.ray((x / width) * 2 - 1, 1 - (y / height) * 2), disc.level);
    if (!point) return hit;
    const distance = point.distanceTo(view.position);
    return hit && hit.distance <= distance * 1.002 + 0.1 ? hit : { handle: -1, point, distance };
  }

  /** Tells of something that moves at a place of the page; says whether there is something. */
  private moves(clientX: number, clientY: number, hit: Hit | null): boolean {
    if (this.host.measuring.active) return false;
    const { x, y } = this.place(clientX, clientY);
    const vehicle = this.host.vehicleAt(x, y, hit?.distance ?? Infinity);
    if (vehicle !== null) this.host.events.emit("vehicle", vehicle);
    return vehicle !== null;
  }

  private asPick(hit: Hit | null): Pick | null {
    if (!hit || hit.handle < 0) return null;
    return { handle: hit.handle, layer: this.host.layerOf(hit.handle), point: hit.point.toArray() };
  }

  private async hoverNow(clientX: number, clientY: number): Promise<void> {
    const { measuring } = this.host;
    if (this.host.busy()) return;
    this.lastHover = performance.now();
    const hit = await this.hit(clientX, clientY);
    if (!this.over || this.host.busy() || this.host.drafting.tool) return;
    if (!measuring.active) {
      this.setHovered(this.asPick(hit));
      return;
    }
    if (hit) measuring.preview(hit.point);
    this.host.requestFrame();
  }

  private setHovered(pick: Pick | null): void {
    const { canvas, events, measuring } = this.host;
    const handle = pick?.handle ?? -1;
    const before = this.hovered;
    this.hovered = handle;
    if (handle !== before) {
      this.host.highlight(handle);
      this.host.requestFrame();
    }
    if (handle >= 0 || before >= 0) events.emit("hover", pick);
    if (!measuring.active) canvas.style.cursor = handle >= 0 ? "pointer" : "";
  }
}
