/** Everything that moves, in one draw call: places between reports are worked out by the graphics card. */

import {
  Color,
  DataTexture,
  DynamicDrawUsage,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  InstancedInterleavedBuffer,
  InterleavedBufferAttribute,
  Matrix4,
  Mesh,
  NearestFilter,
  type PerspectiveCamera,
  RGBAFormat,
  ShaderMaterial,
  SRGBColorSpace,
  Vector3,
} from "three";
import type { Vec3 } from "./api";
import { GONE, KIND_COLOURS, SPEED_MOST_M_S, VEHICLE_KINDS, type VehicleColours, type VehicleFrame, type VehicleState } from "./picture_api";
import { rampPalette } from "./ramp";
import { begin, learned, placeAt, STEP } from "./vehicle_motion";
import { LENGTHS, shapeIndex, shapeTexture } from "./vehicle_shapes";
import { VEHICLE_FRAGMENT, VEHICLE_VERTEX } from "./vehicle_shaders";

/** Pixels that a vehicle covers at least, and how much larger than life it is drawn for that at most. */
const LEAST_PX = 8;
const LARGEST = 14;
/** Seconds after which times are counted anew, so that they stay exact in 32 bits. */
const REBASE_S = 1800;
/** A click counts this many pixels beside a vehicle; metres of a wall that may stand before its middle. */
const BESIDE_PX = 7;
const BEFORE_M = 4;
const UNKNOWN_SPEED = 65_535;
/** How long the way to another time takes, seconds. */
const AT_ONCE_S = 0.35;
const SELECTED = 1;

export class Vehicles {
  readonly mesh: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  selected: number | null = null;
  private epoch = -1;
  private count = 0;
  private rowOf = new Int32Array(0);
  private numbers = new Uint32Array(0);
  private steps = new Float32Array(0);
  /** Kind, colour code and mark of each. */
  private looks = new Uint8Array(0);
  private speeds = new Uint16Array(0);
  private codes = new Uint8Array(0);
  /** Instant of the last report, ms; when it came, and the usual time between two, seconds. */
  private reported = new Float64Array(0);
  private came = new Float64Array(0);
  private usual = new Float32Array(0);
  private stepBuffer = new InstancedInterleavedBuffer(this.steps, STEP);
  private lookAttribute = new InstancedBufferAttribute(this.looks, 4);
  private by: VehicleColours = "kind";
  /** Zero of the times in `steps`, and when the last thing comes to rest, in seconds of the page's clock. */
  private zero_s = 0;
  private rests_s = 0;
  private readonly here = new Float64Array(4);
  private readonly uniforms = {
    uNow: { value: 0 },
    uPixel: { value: 0.001 },
    uLeast: { value: LEAST_PX },
    uLargest: { value: LARGEST },
    uShapes: { value: shapeTexture() },
    uPalette: { value: rampPalette("viridis") },
    uKinds: { value: kindTexture() },
    uByCode: { value: 0 },
    uLengths: { value: [...LENGTHS] },
    uSun: { value: new Vector3(0.4, -0.3, 0.8) },
    uNight: { value: 0 },
    uHaze: { value: new Color() },
    uHazeDensity: { value: 0 },
  };

  constructor() {
    const geometry = new InstancedBufferGeometry();
    geometry.setIndex(shapeIndex());
    geometry.instanceCount = 0;
    const material = new ShaderMaterial({ vertexShader: VEHICLE_VERTEX, fragmentShader: VEHICLE_FRAGMENT, uniforms: this.uniforms, toneMapped: false });
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.visible = false;
    this.mesh.renderOrder = 1;
    this.grow(64);
  }

  get size(): number {
    return this.count;
  }

  /** Whether any of them is on its way. */
  moving(now_s: number): boolean {
    return this.mesh.visible && this.count > 0 && now_s < this.rests_s;
  }

  apply(frame: VehicleFrame, now_s: number): void {
    if (frame.epoch !== this.epoch) this.clear();
    this.epoch = frame.epoch;
    if (now_s - this.zero_s > REBASE_S) this.rebase(now_s);
    if (frame.full) this.keepOnly(frame.number);
    for (let i = 0; i < frame.number.length; i++) {
      const number = frame.number[i] as number;
      if (frame.kind[i] === GONE) this.remove(number);
      else this.report(frame, i, number, now_s);
    }
    this.upload();
  }

  setColours(by: VehicleColours): void {
    this.by = by;
    this.uniforms.uByCode.value = by === "kind" ? 0 : 1;
    for (let row = 0; row < this.count; row++) this.looks[row * 4 + 1] = this.codeOf(row);
    this.upload();
  }

  select(number: number | null): void {
    this.selected = number;
    for (let row = 0; row < this.count; row++) this.looks[row * 4 + 2] = this.numbers[row] === number ? SELECTED : 0;
    this.upload();
  }

  clear(): void {
    this.count = 0;
    this.rowOf.fill(-1);
    this.mesh.geometry.instanceCount = 0;
  }

  /** As it is drawn at an instant. */
  state(number: number, now_s: number): VehicleState | null {
    const row = this.row(number);
    if (row < 0) return null;
    placeAt(this.steps, row, now_s - this.zero_s, this.here);
    const [x, y, z, heading] = this.here as unknown as [number, number, number, number];
    const speed = this.speeds[row] as number;
    return {
      number,
      kind: VEHICLE_KINDS[this.looks[row * 4] as number] ?? "other",
      point: [x, y, z],
      heading_deg: ((heading % 360) + 360) % 360,
      speed_m_s: speed === UNKNOWN_SPEED ? null : speed / 100,
      time: this.reported[row] as number,
    };
  }

  near(point: Vec3, most: number, now_s: number): number[] {
    const found: [number, number][] = [];
    for (let row = 0; row < this.count; row++) {
      placeAt(this.steps, row, now_s - this.zero_s, this.here);
      found.push([Math.hypot((this.here[0] as number) - point[0], (this.here[1] as number) - point[1]), this.numbers[row] as number]);
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, most).map(([, number]) => number);
  }

  /** The vehicle at a place of the picture, nearer than what stands `hit_m` away; null = none. */
  pick(x: number, y: number, camera: PerspectiveCamera, size: { width: number; height: number }, hit_m: number, now_s: number): number | null {
    if (!this.mesh.visible) return null;
    const matrix = new Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    const point = new Vector3();
    let best: number | null = null;
    let nearest = Infinity;
    for (let row = 0; row < this.count; row++) {
      placeAt(this.steps, row, now_s - this.zero_s, this.here);
      const kind = this.looks[row * 4] as number;
      const length = LENGTHS[kind] ?? 1;
      point.set(this.here[0] as number, this.here[1] as number, (this.here[2] as number) + Math.min(1.2, length / 4));
      const away = point.distanceTo(camera.position);
      const scale = Math.min(LARGEST, Math.max(1, (LEAST_PX * this.uniforms.uPixel.value * away) / length));
      if (away > hit_m + BEFORE_M + length * scale) continue;
      point.applyMatrix4(matrix);
      if (point.z > 1 || point.z < -1) continue;
      const off = Math.hypot(((point.x + 1) / 2) * size.width - x, ((1 - point.y) / 2) * size.height - y);
      const reach = Math.max(BESIDE_PX, (length * scale) / 2 / (this.uniforms.uPixel.value * away));
      if (off > reach || off / reach >= nearest) continue;
      nearest = off / reach;
      best = this.numbers[row] as number;
    }
    return best;
  }

  /** Before a frame: the instant, and how large a pixel is. */
  prepare(now_s: number, pixel: number, light: { sun: Vector3; night: number; haze: Color; density: number }): void {
    const { uniforms } = this;
    uniforms.uNow.value = now_s - this.zero_s;
    uniforms.uPixel.value = pixel;
    uniforms.uSun.value.copy(light.sun);
    uniforms.uNight.value = light.night;
    uniforms.uHaze.value.copy(light.haze);
    uniforms.uHazeDensity.value = light.density;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
    for (const texture of [this.uniforms.uShapes, this.uniforms.uPalette, this.uniforms.uKinds]) texture.value.dispose();
  }

  private row(number: number): number {
    return this.rowOf[number] ?? -1;
  }

  private report(frame: VehicleFrame, i: number, number: number, now_s: number): void {
    const time = frame.time - (frame.age[i] as number);
    const to = [frame.x[i] as number, frame.y[i] as number, frame.z[i] as number];
    const heading = ((frame.heading[i] as number) / 65_536) * 360;
    let row = this.row(number);
    const known = row >= 0;
    if (!known) row = this.add(number);
    const earlier = known ? time - (this.reported[row] as number) : 1;
    // In a full frame most have not moved since; in a replay that goes back, earlier reports count.
    if (earlier === 0 || (earlier < 0 && !frame.replay)) return this.look(frame, i, row);
    if (known) placeAt(this.steps, row, now_s - this.zero_s, this.here);
    else this.here.set([...to, heading]);
    // All that is there comes when somebody looks again, or at another time: nothing follows from when it came.
    const usual = !known ? 0 : frame.full ? (this.usual[row] as number) : learned(this.usual[row] as number, now_s - (this.came[row] as number));
    begin(this.steps, row, this.here, to, heading, now_s - this.zero_s, frame.full ? AT_ONCE_S : usual || 1);
    if (!known || frame.full) this.steps[row * STEP + 10] = 0;
    this.usual[row] = usual;
    this.came[row] = now_s;
    this.reported[row] = time;
    this.rests_s = Math.max(this.rests_s, now_s + 5 * Math.max(1, usual));
    this.look(frame, i, row);
  }

  private look(frame: VehicleFrame, i: number, row: number): void {
    this.speeds[row] = frame.speed[i] as number;
    this.codes[row] = frame.code[i] as number;
    this.looks[row * 4] = Math.min(frame.kind[i] as number, VEHICLE_KINDS.length - 1);
    this.looks[row * 4 + 1] = this.codeOf(row);
    this.looks[row * 4 + 2] = this.numbers[row] === this.selected ? SELECTED : 0;
  }

  private codeOf(row: number): number {
    if (this.by === "code") return this.codes[row] as number;
    const speed = this.speeds[row] as number;
    if (this.by === "kind" || speed === UNKNOWN_SPEED) return 0;
    return 1 + Math.round(249 * Math.min(1, speed / 100 / SPEED_MOST_M_S));
  }

  private add(number: number): number {
    if (number >= this.rowOf.length) {
      const larger = new Int32Array(Math.max(number + 1, 2 * this.rowOf.length)).fill(-1);
      larger.set(this.rowOf);
      this.rowOf = larger;
    }
    if (this.count === this.numbers.length) this.grow(2 * this.count);
    const row = this.count++;
    this.rowOf[number] = row;
    this.numbers[row] = number;
    return row;
  }

  /** The last one takes the place of one that is gone. */
  private remove(number: number): void {
    const row = this.row(number);
    if (row < 0) return;
    const last = --this.count;
    this.rowOf[number] = -1;
    if (row === last) return;
    this.steps.copyWithin(row * STEP, last * STEP, (last + 1) * STEP);
    this.looks.copyWithin(row * 4, last * 4, last * 4 + 4);
    for (const column of [this.numbers, this.speeds, this.codes, this.reported, this.came, this.usual]) column[row] = column[last] as number;
    this.rowOf[this.numbers[row] as number] = row;
  }

  private keepOnly(numbers: Uint32Array): void {
    const kept = new Set(numbers);
    for (const number of this.numbers.slice(0, this.count)) if (!kept.has(number)) this.remove(number);
  }

  private grow(size: number): void {
    const wider = <T extends { set(array: ArrayLike<number>): void }>(larger: T, old: ArrayLike<number>): T => {
      larger.set(old);
      return larger;
    };
    this.steps = wider(new Float32Array(size * STEP), this.steps);
    this.looks = wider(new Uint8Array(size * 4), this.looks);
    this.numbers = wider(new Uint32Array(size), this.numbers);
    this.speeds = wider(new Uint16Array(size), this.speeds);
    this.codes = wider(new Uint8Array(size), this.codes);
    this.reported = wider(new Float64Array(size), this.reported);
    this.came = wider(new Float64Array(size), this.came);
    this.usual = wider(new Float32Array(size), this.usual);
    const { geometry } = this.mesh;
    geometry.dispose(); // its buffers have another size now
    this.stepBuffer = new InstancedInterleavedBuffer(this.steps, STEP);
    this.stepBuffer.setUsage(DynamicDrawUsage);
    this.lookAttribute = new InstancedBufferAttribute(this.looks, 4);
    this.lookAttribute.setUsage(DynamicDrawUsage);
    geometry.setAttribute("aFrom", new InterleavedBufferAttribute(this.stepBuffer, 4, 0));
    geometry.setAttribute("aTo", new InterleavedBufferAttribute(this.stepBuffer, 4, 4));
    geometry.setAttribute("aTime", new InterleavedBufferAttribute(this.stepBuffer, 3, 8));
    geometry.setAttribute("aLook", this.lookAttribute);
  }

  private upload(): void {
    this.stepBuffer.clearUpdateRanges();
    this.stepBuffer.addUpdateRange(0, this.count * STEP);
    this.lookAttribute.clearUpdateRanges();
    this.lookAttribute.addUpdateRange(0, this.count * 4);
    this.stepBuffer.needsUpdate = this.lookAttribute.needsUpdate = true;
    this.mesh.geometry.instanceCount = this.count;
  }

  private rebase(now_s: number): void {
    const by = now_s - this.zero_s;
    this.zero_s = now_s;
    for (let row = 0; row < this.count; row++) this.steps[row * STEP + 8] = (this.steps[row * STEP + 8] as number) - by;
  }
}

function kindTexture(): DataTexture {
  const data = new Uint8Array(KIND_COLOURS.length * 4);
  KIND_COLOURS.forEach((colour, kind) => data.set([1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).concat(255), kind * 4));
  const texture = new DataTexture(data, KIND_COLOURS.length, 1, RGBAFormat);
  texture.colorSpace = SRGBColorSpace;
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}
