/** The ground: heights for the camera, and a wide soft disc with a fine grid where a city has no terrain. */

import { type BufferGeometry, CircleGeometry, Color, type Matrix4, Mesh, MeshLambertMaterial, type Plane, Vector3, type IUniform } from "three";
import type { SceneManifest } from "./api";
import { LEAN_LIGHT, replaced } from "./materials";
import { GROUND_COLOUR, GROUND_HAZE, GROUND_HEAD, GROUND_PLACE, GROUND_VERTEX } from "./shaders";

const CELL_M = 40;

/** Highest terrain in cells of some metres: enough to keep a camera above it. */
export class GroundHeights {
  level = 0;
  private readonly cells = new Map<number, number>();

  clear(level: number): void {
    this.level = level;
    this.cells.clear();
  }

  get known(): boolean {
    return this.cells.size > 0;
  }

  add(geometry: BufferGeometry, matrix: Matrix4): void {
    const position = geometry.getAttribute("position");
    const point = new Vector3();
    for (let i = 0; i < position.count; i++) {
      point.fromBufferAttribute(position, i).applyMatrix4(matrix);
      const key = this.key(point.x, point.y);
      const old = this.cells.get(key);
      if (old === undefined || point.z > old) this.cells.set(key, point.z);
    }
  }

  heightAt(x: number, y: number): number {
    return this.cells.get(this.key(x, y)) ?? this.level;
  }

  private key(x: number, y: number): number {
    return (Math.floor(x / CELL_M) + 32768) * 65536 + Math.floor(y / CELL_M) + 32768;
  }
}

/** The disc under the city. */
export class GroundDisc {
  readonly mesh: Mesh<CircleGeometry, MeshLambertMaterial>;
  private readonly uniforms: Record<string, IUniform> = {
    uLine: { value: new Color("#c3c9d0") },
    uMiddle: { value: new Vector3() },
    uReach: { value: 3000 },
  };
  private veil = 0;
  private through = false;

  /** `shared` holds what the ground takes from the whole city: its map, and the paper of the theme. */
  constructor(private readonly shared: Record<string, IUniform> = {}) {
    const material = new MeshLambertMaterial({ color: "#e6e8e8", polygonOffset: true, polygonOffsetFactor: 2, polygonOffsetUnits: 8 });
    material.onBeforeCompile = (shader) => {
      Object.assign(shader.uniforms, this.uniforms, this.shared);
      shader.vertexShader = GROUND_VERTEX + replaced(shader.vertexShader, { project_vertex: GROUND_PLACE });
      const chunks = { ...LEAN_LIGHT, color_fragment: GROUND_COLOUR, fog_fragment: GROUND_HAZE };
      shader.fragmentShader = GROUND_HEAD + replaced(shader.fragmentShader, chunks);
    };
    this.mesh = new Mesh(new CircleGeometry(1, 96), material);
    this.mesh.receiveShadow = true;
    // After all that may hide it: what is hidden need not be shaded.
    this.mesh.renderOrder = 2;
  }

  load(manifest: SceneManifest, reach: number): void {
    const [x0, y0, z0, x1, y1] = manifest.bounds;
    const terrain = manifest.layers.some((layer) => layer.theme === "terrain");
    const level = terrain ? Math.min(0, z0) - 6 : 0;
    this.mesh.position.set((x0 + x1) / 2, (y0 + y1) / 2, level);
    this.mesh.scale.setScalar(reach * 14);
    this.mesh.updateMatrixWorld(true);
    this.uniforms.uMiddle.value.copy(this.mesh.position);
    this.uniforms.uReach.value = reach;
  }

  get level(): number {
    return this.mesh.position.z;
  }

  /** Whether rays may end on it. */
  get solid(): boolean {
    return this.veil < 0.5 && !this.through;
  }

  /** Lets rays through. */
  setThrough(on: boolean): void {
    this.through = on;
  }

  /** Opens it where all of some planes have their back. */
  setTrench(planes: Plane[]): void {
    const { material } = this.mesh;
    material.clippingPlanes = planes;
    material.clipIntersection = true;
    material.needsUpdate = true;
  }

  setColours(ground: Color, line: Color): void {
    this.mesh.material.color.copy(ground);
    this.uniforms.uLine.value.copy(line);
  }

  setVeil(amount: number): void {
    this.veil = amount;
    const { material } = this.mesh;
    if (material.transparent !== amount > 0) material.needsUpdate = true;
    material.transparent = amount > 0;
    material.opacity = 1 - amount;
    material.depthWrite = amount === 0;
    material.visible = amount < 0.99;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}
