/** Mouse and touch: left drags the ground, right turns about the point under the cursor, the wheel zooms to it. */

import { MathUtils, Vector3 } from "three";
import type { CityCamera } from "./camera";

const CLICK_PIXELS = 5;
/** Degrees that one looks around with a pixel. */
const LOOK_DEG = 0.2;
const GLIDE_S = 0.16;
const ZOOM_S = 0.09;

export interface ControlsHost {
  /** Point of the city under the cursor, or of the level ground; never null. */
  grab(clientX: number, clientY: number): Vector3;
  /** `more` = with Shift or Ctrl: in addition to what is selected; `time_ms` = of the click by the page's clock. */
  click(clientX: number, clientY: number, more: boolean, time_ms: number): void;
  doubleClick(clientX: number, clientY: number, time_ms: number): void;
  hover(clientX: number, clientY: number): void;
  leave(): void;
  changed(): void;
}

interface Finger {
  x: number;
  y: number;
}

type Gesture = "none" | "pan" | "orbit" | "two";

export class Controls {
  private readonly fingers = new Map<number, Finger>();
  private gesture: Gesture = "none";
  private anchor = new Vector3();
  private start = { x: 0, y: 0, moved: false };
  private glide = new Vector3();
  private spin = { azimuth: 0, elevation: 0 };
  private last = 0;
  private zoomLeft = 0;
  private zoomAt: { x: number; y: number; point: Vector3; time: number } | null = null;
  private readonly ended = new AbortController();

  constructor(
    private readonly element: HTMLElement,
    private readonly view: CityCamera,
    private readonly host: ControlsHost,
  ) {
    const { signal } = this.ended;
    const listen = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void): void =>
      element.addEventListener(type, listener, { signal, passive: false });
    element.style.touchAction = "none";
    listen("pointerdown", (event) => this.down(event));
    listen("pointermove", (event) => this.moveTo(event));
    listen("pointerup", (event) => this.up(event));
    listen("pointercancel", (event) => this.up(event));
    listen("pointerleave", () => host.leave());
    listen("contextmenu", (event) => event.preventDefault());
    listen("dblclick", (event) => host.doubleClick(event.clientX, event.clientY, event.timeStamp));
    listen("wheel", (event) => this.wheel(event));
  }

  /** Whether a finger or button is down. */
  get busy(): boolean {
    return this.gesture !== "none";
  }

  /** Inertia and smooth zoom; true while something moves. */
  update(seconds: number): boolean {
    let moving = this.busy;
    if (Math.abs(this.zoomLeft) > 1e-3 && this.zoomAt) {
      const share = 1 - Math.exp(-seconds / ZOOM_S);
      const step = this.zoomLeft * share;
      this.zoomLeft -= step;
      this.view.zoomAbout(this.zoomAt.point, Math.exp(step));
      moving = true;
    }
    if (this.gesture !== "none") return true;
    const fade = Math.exp(-seconds / GLIDE_S);
    if (this.glide.lengthSq() > (this.view.distance * 0.004) ** 2) {
      this.view.move(this.glide.clone().multiplyScalar(seconds));
      this.glide.multiplyScalar(fade);
      moving = true;
    }
    if (Math.abs(this.spin.azimuth) + Math.abs(this.spin.elevation) > 1.5) {
      this.view.orbitAbout(this.anchor, this.spin.azimuth * seconds, this.spin.elevation * seconds);
      this.spin.azimuth *= fade;
      this.spin.elevation *= fade;
      moving = true;
    }
    return moving;
  }

  /** End every motion, for a flight begins. */
  halt(): void {
    this.glide.set(0, 0, 0);
    this.spin = { azimuth: 0, elevation: 0 };
    this.zoomLeft = 0;
  }

  dispose(): void {
    this.ended.abort();
  }

  private place(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: ((clientX - box.left) / box.width) * 2 - 1, y: 1 - ((clientY - box.top) / box.height) * 2 };
  }

  private down(event: PointerEvent): void {
    this.view.stop();
    this.halt();
    this.element.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size === 2) {
      const { x, y } = this.middle();
      this.gesture = "two";
      this.start.moved = true;
      this.anchor = this.host.grab(x, y);
      return;
    }
    const turns = event.button === 2 || event.button === 1 || event.ctrlKey || event.shiftKey;
    this.gesture = turns ? "orbit" : "pan";
    this.start = { x: event.clientX, y: event.clientY, moved: false };
    this.last = performance.now();
    this.anchor = this.host.grab(event.clientX, event.clientY);
    if (this.view.walking) return;
    this.view.distance = Math.max(2, this.anchor.clone().sub(this.view.position).dot(this.view.forward()));
  }

  private moveTo(event: PointerEvent): void {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) {
      if (event.pointerType === "mouse") this.host.hover(event.clientX, event.clientY);
      return;
    }
    const before = { ...finger };
    const span = this.span();
    const middle = this.middle();
    finger.x = event.clientX;
    finger.y = event.clientY;
    if (Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) > CLICK_PIXELS) this.start.moved = true;
    if (!this.start.moved) return;
    if (this.view.walking) this.view.lookAround((before.x - event.clientX) * LOOK_DEG, (event.clientY - before.y) * LOOK_DEG);
    else if (this.gesture === "two") this.two(span, middle);
    else if (this.gesture === "orbit") this.orbit(event.clientX - before.x, event.clientY - before.y);
    else this.pan(event.clientX, event.clientY);
    this.host.changed();
  }

  private up(event: PointerEvent): void {
    if (!this.fingers.delete(event.pointerId)) return;
    if (performance.now() - this.last > 60) this.halt();
    const more = event.shiftKey || event.ctrlKey;
    const clicked = (this.gesture === "pan" || (more && event.button === 0)) && !this.start.moved && event.type === "pointerup";
    if (this.fingers.size === 1) {
      const [finger] = this.fingers.values();
      this.gesture = "pan";
      this.anchor = this.host.grab(finger.x, finger.y);
    } else this.gesture = "none";
    if (clicked) this.host.click(event.clientX, event.clientY, more, event.timeStamp);
    this.host.changed();
  }

  private elapsed(): number {
    const now = performance.now();
    const seconds = MathUtils.clamp((now - this.last) / 1000, 1 / 240, 0.1);
    this.last = now;
    return seconds;
  }

  /** The point that was taken stays under the cursor. */
  private pan(clientX: number, clientY: number): void {
    const { x, y } = this.place(clientX, clientY);
    const point = this.view.onLevel(this.view.ray(x, y), this.anchor.z);
    if (!point) return;
    const by = this.anchor.clone().sub(point).setZ(0).clampLength(0, this.view.distance * 0.6);
    const seconds = this.elapsed();
    this.view.move(by);
    this.glide.lerp(by.divideScalar(seconds).clampLength(0, this.view.distance * 2.5), 0.5);
  }

  private orbit(dx: number, dy: number): void {
    const scale = 220 / Math.max(300, this.element.clientHeight);
    const seconds = this.elapsed();
    const azimuth = dx * scale;
    const elevation = -dy * scale * 0.8;
    this.view.orbitAbout(this.anchor, azimuth, elevation);
    this.spin.azimuth = MathUtils.lerp(this.spin.azimuth, MathUtils.clamp(azimuth / seconds, -240, 240), 0.5);
    this.spin.elevation = MathUtils.lerp(this.spin.elevation, MathUtils.clamp(elevation / seconds, -120, 120), 0.5);
  }

  private two(before: { length: number; angle: number }, middle: Finger): void {
    const now = this.span();
    const centre = this.middle();
    const dy = centre.y - middle.y;
    const pinch = now.length / Math.max(before.length, 1);
    const twist = ((((now.angle - before.angle) * 180) / Math.PI + 540) % 360) - 180;
    this.view.zoomAbout(this.anchor, 1 / MathUtils.clamp(pinch, 0.5, 2));
    this.view.orbitAbout(this.anchor, -twist, Math.abs(pinch - 1) < 0.006 ? -dy * 0.25 : 0);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (this.view.walking) return;
    this.view.stop();
    const lines = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
    const now = performance.now();
    const { clientX: x, clientY: y } = event;
    const known = this.zoomAt;
    if (!known || now - known.time > 350 || Math.hypot(x - known.x, y - known.y) > 12) {
      this.zoomAt = { x, y, point: this.host.grab(x, y), time: now };
      this.zoomLeft = 0;
    } else known.time = now;
    this.zoomLeft = MathUtils.clamp(this.zoomLeft + MathUtils.clamp(event.deltaY * lines, -240, 240) * 0.0022, -2.5, 2.5);
    this.host.changed();
  }

  private middle(): Finger {
    const all = [...this.fingers.values()];
    const count = Math.max(1, all.length);
    return { x: all.reduce((sum, each) => sum + each.x, 0) / count, y: all.reduce((sum, each) => sum + each.y, 0) / count };
  }

  private span(): { length: number; angle: number } {
    const [a, b] = [...this.fingers.values()];
    return a && b ? { length: Math.hypot(b.x - a.x, b.y - a.y), angle: Math.atan2(b.y - a.y, b.x - a.x) } : { length: 1, angle: 0 };
  }
}
