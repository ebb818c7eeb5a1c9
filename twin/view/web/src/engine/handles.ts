/** Handles: round buttons in the city that are dragged along a line or over a level, by mouse, pen or finger. */

import { CanvasTexture, Group, type PerspectiveCamera, Plane, type Ray, Sprite, SpriteMaterial, SRGBColorSpace, Vector3 } from "three";
import { keepSize, release } from "./drawing";
import type { HandleLook, HandleSet, HandleSpec, Vec3 } from "./api";

/** Pixels across a handle, and how near to its middle it is taken hold of. */
const SIZE = 30;
const REACH = 22;
const SCALE = 2;
const RIM = "#ff7a1a";

/** Paths in a square of 24. */
const GLYPHS: Record<HandleLook, string> = {
  move: "M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3",
  turn: "M19 12a7 7 0 1 1-3-5.7M16 2v5h-5",
  up: "M12 3v18M12 3l-4 4M12 3l4 4M12 21l-4-4M12 21l4-4",
  scale: "M5 19L19 5M19 5h-6M19 5v6M5 19h6M5 19v-6",
  face: "M12 7a5 5 0 1 0 .01 0",
};

interface Shown {
  owner: string;
  spec: HandleSpec;
  sprite: Sprite;
}

interface Held {
  owner: string;
  spec: HandleSpec;
  pointer: number;
  from: Vec3;
}

export interface HandlesHost {
  readonly canvas: HTMLCanvasElement;
  /** Ray through a place of the page. */
  ray(clientX: number, clientY: number): Ray;
  /** Places in the picture as `CityEngine.project` gives them. */
  project(points: Float32Array): Float32Array;
  requestFrame(): void;
}

export class Handles {
  readonly group = new Group();
  /** Whether the key that switches snapping off was down at the last move of the pointer. */
  free = false;
  private readonly sets = new Map<string, HandleSet>();
  private shown: Shown[] = [];
  private held: Held | null = null;
  private over: Shown | null = null;
  private readonly ended = new AbortController();

  constructor(private readonly host: HandlesHost) {
    const options = { signal: this.ended.signal, capture: true };
    host.canvas.addEventListener("pointerdown", (event) => this.down(event), options);
    host.canvas.addEventListener("pointermove", (event) => this.move(event), options);
    host.canvas.addEventListener("pointerup", (event) => this.up(event), options);
    host.canvas.addEventListener("pointercancel", (event) => this.up(event), options);
  }

  /** Shows the handles of an owner in place of those it had; null = none. */
  set(owner: string, set: HandleSet | null): void {
    if (!set && !this.sets.has(owner)) return;
    if (set) this.sets.set(owner, set);
    else this.sets.delete(owner);
    this.rebuild(owner, set);
    this.host.requestFrame();
  }

  /** Places of the handles on the page, by owner and name: for tests and for lessons. */
  places(): { owner: string; name: string; x: number; y: number }[] {
    const { left, top } = this.host.canvas.getBoundingClientRect();
    return this.shown.map(({ owner, spec }) => {
      const [x, y] = this.host.project(new Float32Array(spec.at));
      return { owner, name: spec.name, x: left + (x as number), y: top + (y as number) };
    });
  }

  scale(camera: PerspectiveCamera, height: number): void {
    if (this.shown.length > 0) keepSize(this.group, camera, height);
  }

  dispose(): void {
    this.ended.abort();
    release(this.group);
  }

  private rebuild(owner: string, set: HandleSet | null): void {
    const old = this.shown.filter((each) => each.owner === owner);
    const wanted = set?.handles ?? [];
    this.shown = this.shown.filter((each) => each.owner !== owner);
    const same = old.length === wanted.length && old.every(({ spec }, i) => spec.name === wanted[i]?.name);
    if (!same) {
      for (const { sprite } of old) {
        sprite.removeFromParent();
        sprite.material.map?.dispose();
        sprite.material.dispose();
      }
    }
    wanted.forEach((spec, i) => {
      const sprite = same ? (old[i] as Shown).sprite : badge(spec.look);
      sprite.position.set(...spec.at);
      if (!same) this.group.add(sprite);
      this.shown.push({ owner, spec, sprite });
    });
    if (this.held && this.held.owner === owner && !wanted.some((spec) => spec.name === this.held?.spec.name)) this.held = null;
  }

  private at(event: PointerEvent): Shown | null {
    if (this.shown.length === 0) return null;
    const { left, top } = this.host.canvas.getBoundingClientRect();
    const seen = this.host.project(new Float32Array(this.shown.flatMap(({ spec }) => spec.at)));
    let found: Shown | null = null;
    let least = REACH;
    this.shown.forEach((each, i) => {
      const away = Math.hypot(left + (seen[i * 3] as number) - event.clientX, top + (seen[i * 3 + 1] as number) - event.clientY);
      if (away <= least) [found, least] = [each, away];
    });
    return found;
  }

  private down(event: PointerEvent): void {
    const found = event.button === 0 && !this.held ? this.at(event) : null;
    if (!found) return;
    const from = this.place(found.spec, event);
    if (!from) return;
    this.held = { owner: found.owner, spec: found.spec, pointer: event.pointerId, from };
    this.host.canvas.setPointerCapture(event.pointerId);
    this.sets.get(found.owner)?.start?.(found.spec.name);
    this.taken(event, "grabbing");
  }

  private move(event: PointerEvent): void {
    this.free = event.altKey;
    if (!this.held) {
      const found = event.buttons === 0 ? this.at(event) : null;
      if (found) this.taken(event, "grab");
      else if (this.over) this.host.canvas.style.cursor = "";
      this.over = found;
      return;
    }
    if (event.pointerId !== this.held.pointer) return;
    const to = this.place(this.held.spec, event);
    if (to) this.sets.get(this.held.owner)?.drag(this.held.spec.name, this.held.from, to, this.free);
    this.taken(event, "grabbing");
  }

  private up(event: PointerEvent): void {
    if (!this.held || event.pointerId !== this.held.pointer) return;
    const { owner, spec } = this.held;
    this.held = null;
    this.sets.get(owner)?.end?.(spec.name);
    this.taken(event, "");
  }

  /** Nothing else on the page hears of it. */
  private taken(event: PointerEvent, cursor: string): void {
    event.stopImmediatePropagation();
    event.preventDefault();
    this.host.canvas.style.cursor = cursor;
    this.host.requestFrame();
  }

  /** Where the pointer is on the handle's line or level; null when that is not in sight. */
  private place(spec: HandleSpec, event: PointerEvent): Vec3 | null {
    const ray = this.host.ray(event.clientX, event.clientY);
    const at = new Vector3(...spec.at);
    if (!spec.along) return ray.intersectPlane(new Plane().setFromNormalAndCoplanarPoint(new Vector3(0, 0, 1), at), new Vector3())?.toArray() ?? null;
    return onLine(ray, at, new Vector3(...spec.along))?.toArray() ?? null;
  }
}

/** Point of a line that is nearest to a ray; null when they are nearly parallel. */
export function onLine(ray: Ray, at: Vector3, along: Vector3): Vector3 | null {
  const way = along.clone().normalize();
  const between = ray.origin.clone().sub(at);
  const slope = ray.direction.dot(way);
  const square = 1 - slope * slope;
  if (square < 1e-4) return null;
  const share = (between.dot(way) - slope * between.dot(ray.direction)) / square;
  return at.clone().addScaledVector(way, share);
}

function badge(look: HandleLook): Sprite {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * SCALE;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.scale(SCALE, SCALE);
  context.fillStyle = "#ffffff";
  context.strokeStyle = RIM;
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 2, 0, Math.PI * 2);
  context.fill();
  context.stroke();
  context.translate(SIZE / 2 - 9, SIZE / 2 - 9);
  context.scale(0.75, 0.75);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#8a3a00";
  context.stroke(new Path2D(GLYPHS[look]));
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  const sprite = new Sprite(new SpriteMaterial({ map: texture, depthTest: false, depthWrite: false, sizeAttenuation: false, toneMapped: false, fog: false }));
  sprite.userData.pixels = [SIZE, SIZE];
  sprite.renderOrder = 40;
  return sprite;
}
