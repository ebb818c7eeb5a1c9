/** Looks at the city from any camera without showing it: handles and distances, pixel by pixel. */

import {
  DoubleSide,
  GLSL3,
  NearestFilter,
  type OrthographicCamera,
  type PerspectiveCamera,
  type Plane,
  type Scene,
  ShaderMaterial,
  UnsignedByteType,
  type WebGLRenderer,
  WebGLRenderTarget,
} from "three";
import type { Uniforms } from "./materials";
import { NOTHING_HIDDEN } from "./points";
import type { Programs } from "./programs";
import { PICK_FRAGMENT, PICK_VERTEX } from "./shaders";
import { PICKABLE } from "./tiles";

export interface Samples {
  columns: number;
  rows: number;
  /** Row by row from below; -1 = nothing, or something without a handle. */
  handles: Int32Array;
  /** Metres from a perspective camera, or in front of an orthographic one; 0 = nothing. */
  distances: Float32Array;
}

/** Two targets of bytes: handles + 1, and the bits of distances. */
export function probeTarget(width: number, height: number): WebGLRenderTarget {
  return new WebGLRenderTarget(width, height, { count: 2, type: UnsignedByteType, minFilter: NearestFilter, magFilter: NearestFilter });
}

/** The material that writes handles and distances; `flat` = distances along the view, not from the eye. */
export function probeMaterial(flat: boolean, pointSize: number): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: PICK_VERTEX,
    fragmentShader: PICK_FRAGMENT,
    uniforms: { uPointSize: { value: pointSize }, uClasses: { value: NOTHING_HIDDEN } },
    defines: flat ? { CITY_FLAT: "" } : {},
    side: DoubleSide,
    clipping: true,
  });
}

export class Probe {
  private readonly eye = probeMaterial(false, 8);
  private readonly flat = probeMaterial(true, 2);

  constructor(
    private readonly renderer: WebGLRenderer,
    private readonly scene: Scene,
    private readonly programs: Programs,
  ) {}

  /** Use the state textures of a city. */
  bind(uniforms: Uniforms): void {
    for (const material of [this.eye, this.flat]) {
      Object.assign(material.uniforms, { uFlags: uniforms.uFlags, uIsolate: uniforms.uIsolate });
      material.uniformsNeedUpdate = material.needsUpdate = true;
    }
  }

  setPlanes(planes: Plane[]): void {
    for (const material of [this.eye, this.flat]) {
      material.clippingPlanes = planes;
      material.needsUpdate = true;
    }
  }

  /** Resolves when `draw` has no program to wait for. */
  ready(camera: PerspectiveCamera | OrthographicCamera): Promise<void> {
    const { mask } = camera.layers;
    camera.layers.set(PICKABLE);
    const ready = this.programs.prepareTarget(this.materialFor(camera), camera);
    camera.layers.mask = mask;
    return ready;
  }

  /** Draw what a camera sees into a target of `probeTarget`. */
  draw(camera: PerspectiveCamera | OrthographicCamera, target: WebGLRenderTarget): void {
    const { renderer, scene } = this;
    const before = { mask: camera.layers.mask, target: renderer.getRenderTarget(), needs: renderer.shadowMap.needsUpdate, alpha: renderer.getClearAlpha() };
    camera.layers.set(PICKABLE);
    scene.overrideMaterial = this.materialFor(camera);
    renderer.shadowMap.needsUpdate = false;
    renderer.setRenderTarget(target);
    renderer.setClearAlpha(0);
    renderer.clear();
    renderer.render(scene, camera);
    renderer.setClearAlpha(before.alpha);
    renderer.setRenderTarget(before.target);
    renderer.shadowMap.needsUpdate = before.needs;
    scene.overrideMaterial = null;
    camera.layers.mask = before.mask;
  }

  /** Draw and read all of it; waits for the graphics card. */
  look(camera: PerspectiveCamera | OrthographicCamera, columns: number, rows: number): Samples {
    const target = probeTarget(columns, rows);
    this.draw(camera, target);
    const bytes = new Uint8Array(columns * rows * 4);
    this.renderer.readRenderTargetPixels(target, 0, 0, columns, rows, bytes, undefined, 0);
    const handles = new Int32Array(bytes.buffer.slice(0)).map((value) => value - 1);
    this.renderer.readRenderTargetPixels(target, 0, 0, columns, rows, bytes, undefined, 1);
    target.dispose();
    return { columns, rows, handles, distances: new Float32Array(bytes.buffer) };
  }

  private materialFor(camera: PerspectiveCamera | OrthographicCamera): ShaderMaterial {
    return "isOrthographicCamera" in camera ? this.flat : this.eye;
  }

  dispose(): void {
    this.eye.dispose();
    this.flat.dispose();
  }
}
