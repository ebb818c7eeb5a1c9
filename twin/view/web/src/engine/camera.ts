/** The camera as a city map understands it: a place, a heading and a tilt, moved about points of the city. */

import { MathUtils, Matrix4, PerspectiveCamera, Plane, Ray, Vector3, Vector4 } from "three";
import type { Box6, CameraState } from "./api";

const RAD = Math.PI / 180;
const UP = new Vector3(0, 0, 1);
const STEEPEST = -90;
const FLATTEST = 35;

/** What the camera must know of the city. */
export interface Ground {
  /** Height of the ground at a place, metres. */
  heightAt(x: number, y: number): number;
}

interface Flight {
  from: { target: Vector3; distance: number; yaw: number; pitch: number };
  to: { target: Vector3; distance: number; yaw: number; pitch: number };
  /** Extra distance in the middle of a long flight. */
  arch: number;
  began: number;
  seconds: number;
}

const ease = (t: number): number => (t < 0.5 ? 4 * t * t * t : 1 - (-2 * t + 2) ** 3 / 2);
const shortest = (from: number, to: number): number => from + ((((to - from) % 360) + 540) % 360) - 180;

export class CityCamera {
  readonly camera = new PerspectiveCamera(42, 1, 1, 1e5);
  /** Degrees clockwise from grid north, and above the horizon. */
  yaw = 0;
  pitch = -35;
  /** Metres to what the view is about. */
  distance = 1000;
  underground = false;
  /** The eyes are where feet carry them, not where the ground lets a bird be. */
  walking = false;
  /** Radius of the city and height of its lowest ground, metres. */
  reach = 3000;
  private flight: Flight | null = null;
  private readonly basis = new Matrix4();

  constructor(private readonly ground: Ground) {
    this.camera.up.copy(UP);
    this.camera.matrixAutoUpdate = true;
    this.apply();
  }

  get position(): Vector3 {
    return this.camera.position;
  }

  get flying(): boolean {
    return this.flight !== null;
  }

  forward(): Vector3 {
    const flat = Math.cos(this.pitch * RAD);
    return new Vector3(Math.sin(this.yaw * RAD) * flat, Math.cos(this.yaw * RAD) * flat, Math.sin(this.pitch * RAD));
  }

  right(): Vector3 {
    return new Vector3(Math.cos(this.yaw * RAD), -Math.sin(this.yaw * RAD), 0);
  }

  target(): Vector3 {
    return this.position.clone().addScaledVector(this.forward(), this.distance);
  }

  state(): CameraState {
    return { position: this.position.toArray(), target: this.target().toArray() };
  }

  /** Ray through a place of the picture, -1..1. */
  ray(x: number, y: number): Ray {
    const through = new Vector3(x, y, 0.5).unproject(this.camera);
    return new Ray(this.position.clone(), through.sub(this.position).normalize());
  }

  /** Where a ray meets a level, null when it does not within the city's neighbourhood. */
  onLevel(ray: Ray, height: number): Vector3 | null {
    const point = ray.intersectPlane(new Plane(UP, -height), new Vector3());
    return point && point.distanceTo(this.position) < this.reach * 8 ? point : null;
  }

  /** Pixels from the upper left corner and depth 0..1 of points (x, y, z, ...); NaN for what is behind. */
  project(points: Float32Array, size: { width: number; height: number }): Float32Array {
    const { camera } = this;
    const seen = new Float32Array(points.length).fill(Number.NaN);
    const through = new Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    const at = new Vector4();
    for (let i = 0; i + 2 < points.length; i += 3) {
      at.set(points[i] as number, points[i + 1] as number, points[i + 2] as number, 1).applyMatrix4(through);
      if (at.w <= 0 || at.z < -at.w) continue;
      seen[i] = (0.5 + at.x / at.w / 2) * size.width;
      seen[i + 1] = (0.5 - at.y / at.w / 2) * size.height;
      seen[i + 2] = 0.5 + at.z / at.w / 2;
    }
    return seen;
  }

  stop(): void {
    this.flight = null;
  }

  /** Turn about a point by degrees. */
  orbitAbout(pivot: Vector3, azimuth_deg: number, elevation_deg: number): void {
    const arm = this.position.clone().sub(pivot).applyAxisAngle(UP, -azimuth_deg * RAD);
    const yaw = this.yaw + azimuth_deg;
    const pitch = MathUtils.clamp(this.pitch + elevation_deg, STEEPEST, FLATTEST);
    this.yaw = yaw;
    const tilted = arm.clone().applyAxisAngle(this.right(), (pitch - this.pitch) * RAD);
    const lowest = this.lowestAt(pivot.x + tilted.x, pivot.y + tilted.y);
    if (pivot.z + tilted.z >= lowest || pitch < this.pitch) {
      arm.copy(tilted);
      this.pitch = pitch;
    }
    this.position.copy(pivot).add(arm);
    this.apply();
  }

  move(by: Vector3): void {
    this.position.add(by);
    this.apply();
  }

  /** Put the eyes somewhere, with another tilt or the present one. */
  stand(eye: Vector3, pitch: number | null): void {
    this.stop();
    this.position.copy(eye);
    this.pitch = pitch ?? this.pitch;
    this.distance = 2;
    this.apply();
  }

  /** Turn the eyes and leave them where they are. */
  lookAround(turn_deg: number, tilt_deg: number): void {
    this.yaw += turn_deg;
    this.pitch = MathUtils.clamp(this.pitch + tilt_deg, -80, 80);
    this.apply();
  }

  /** Come nearer to a point (factor below 1) or leave it. */
  zoomAbout(point: Vector3, factor: number): void {
    const arm = this.position.clone().sub(point);
    const length = MathUtils.clamp(arm.length() * factor, 1.2, this.reach * 9);
    this.distance = MathUtils.clamp(this.distance * (length / Math.max(arm.length(), 1e-6)), 1.2, this.reach * 9);
    this.position.copy(point).addScaledVector(arm.normalize(), length);
    this.apply();
  }

  /** Let the view be about the ground (or level) that its centre meets. */
  refocus(level: number): void {
    const met = this.onLevel(new Ray(this.position, this.forward()), level);
    if (met) this.distance = Math.max(2, met.distanceTo(this.position));
  }

  set(state: CameraState, seconds: number): void {
    const target = new Vector3(...state.target);
    const look = target.clone().sub(new Vector3(...state.position));
    const distance = Math.max(look.length(), 0.5);
    const pitch = Math.asin(MathUtils.clamp(look.z / distance, -1, 1)) / RAD;
    const yaw = Math.hypot(look.x, look.y) > distance * 1e-4 ? Math.atan2(look.x, look.y) / RAD : this.yaw;
    this.fly({ target, distance, yaw, pitch }, seconds);
  }

  /** Turn to north, or look straight down, about what the view is about. */
  turnTo(yaw: number, pitch: number, seconds: number): void {
    this.fly({ target: this.target(), distance: this.distance, yaw, pitch }, seconds);
  }

  /** Fly so that a box fills the view, keeping the heading. */
  flyTo(box: Box6, seconds: number): void {
    const low = new Vector3(box[0], box[1], box[2]);
    const high = new Vector3(box[3], box[4], box[5]);
    const radius = Math.max(low.distanceTo(high) / 2, 4);
    const angle = (Math.min(this.camera.fov, this.camera.fov * this.camera.aspect) * RAD) / 2;
    const distance = (radius * 1.15) / Math.sin(angle);
    this.fly({ target: low.add(high).divideScalar(2), distance, yaw: this.yaw, pitch: MathUtils.clamp(this.pitch, -55, -24) }, seconds);
  }

  /** One step of a flight; true while it goes on. */
  update(now: number): boolean {
    const { flight } = this;
    if (!flight) return false;
    const t = Math.min(1, (now - flight.began) / (flight.seconds * 1000));
    const s = ease(t);
    const { from, to } = flight;
    this.yaw = MathUtils.lerp(from.yaw, to.yaw, s);
    this.pitch = MathUtils.lerp(from.pitch, to.pitch, s);
    this.distance = Math.exp(MathUtils.lerp(Math.log(from.distance), Math.log(to.distance), s));
    this.distance += flight.arch * Math.sin(Math.PI * s);
    const target = from.target.clone().lerp(to.target, s);
    this.position.copy(target).addScaledVector(this.forward(), -this.distance);
    this.apply();
    if (t >= 1) this.flight = null;
    return this.flight !== null;
  }

  resize(width: number, height: number): void {
    this.camera.aspect = width / Math.max(1, height);
    this.apply();
  }

  private fly(to: Flight["to"], seconds: number): void {
    const from = { target: this.target(), distance: this.distance, yaw: this.yaw, pitch: this.pitch };
    const goal = { ...to, yaw: shortest(from.yaw, to.yaw), pitch: MathUtils.clamp(to.pitch, STEEPEST, FLATTEST) };
    const way = from.target.distanceTo(to.target);
    const arch = Math.max(0, way * 0.35 - Math.max(from.distance, to.distance) * 0.25);
    this.flight = { from, to: goal, arch, began: performance.now(), seconds: Math.max(seconds, 1e-6) };
    if (seconds <= 0) this.update(Number.POSITIVE_INFINITY);
  }

  private lowestAt(x: number, y: number): number {
    return this.underground || this.walking ? -1e6 : this.ground.heightAt(x, y) + 1.6;
  }

  /** Pose from place, yaw and tilt, kept above the ground; near and far planes to suit. */
  private apply(): void {
    const { camera } = this;
    camera.position.z = Math.max(camera.position.z, this.lowestAt(camera.position.x, camera.position.y));
    const forward = this.forward();
    const right = this.right();
    const up = right.clone().cross(forward);
    camera.quaternion.setFromRotationMatrix(this.basis.makeBasis(right, up, forward.negate()));
    const above = Math.abs(camera.position.z - this.ground.heightAt(camera.position.x, camera.position.y));
    camera.near = MathUtils.clamp(0.08 * Math.min(this.distance, above + 8), 0.15, 60);
    camera.far = this.reach * 14 + this.distance * 3;
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld(true);
  }
}
