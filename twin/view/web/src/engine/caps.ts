/** Caps: where a cut goes through solid things its face is filled. The stencil counts walls that are left and entered. */

import {
  AlwaysStencilFunc,
  BackSide,
  BufferGeometry,
  DecrementWrapStencilOp,
  DoubleSide,
  Float32BufferAttribute,
  FrontSide,
  IncrementWrapStencilOp,
  KeepStencilOp,
  Mesh,
  NotEqualStencilFunc,
  type PerspectiveCamera,
  type Plane,
  Scene,
  ShaderMaterial,
  type Side,
  type Vector3,
  type WebGLRenderer,
  ZeroStencilOp,
} from "three";
import type { Uniforms } from "./materials";
import type { Programs } from "./programs";
import type { Cut } from "./section";
import { CAP_FRAGMENT, CAP_VERTEX, COUNT_FRAGMENT, COUNT_VERTEX } from "./shaders";
import { SOLID_LAYER } from "./tiles";

/** A material that leaves nothing but a count in the stencil. */
function counter(side: Side, operation: typeof IncrementWrapStencilOp | typeof DecrementWrapStencilOp): ShaderMaterial {
  return new ShaderMaterial({
    vertexShader: COUNT_VERTEX,
    fragmentShader: COUNT_FRAGMENT,
    side,
    clipping: true,
    colorWrite: false,
    depthWrite: false,
    depthTest: false,
    stencilWrite: true,
    stencilFunc: AlwaysStencilFunc,
    stencilFail: operation,
    stencilZFail: operation,
    stencilZPass: operation,
  });
}

export class Caps {
  private readonly enter = counter(BackSide, IncrementWrapStencilOp);
  private readonly leave = counter(FrontSide, DecrementWrapStencilOp);
  private readonly scene = new Scene();
  private readonly face: Mesh<BufferGeometry, ShaderMaterial>;
  private cuts: Cut[] = [];

  constructor(private readonly renderer: WebGLRenderer) {
    const material = new ShaderMaterial({
      vertexShader: CAP_VERTEX,
      fragmentShader: CAP_FRAGMENT,
      side: DoubleSide,
      clipping: true,
      stencilWrite: true,
      stencilRef: 0,
      stencilFunc: NotEqualStencilFunc,
      stencilFail: KeepStencilOp,
      stencilZFail: ZeroStencilOp,
      stencilZPass: ZeroStencilOp,
      polygonOffset: true,
      polygonOffsetFactor: -1,
      polygonOffsetUnits: -4,
    });
    this.face = new Mesh(new BufferGeometry().setAttribute("position", new Float32BufferAttribute(9, 3)), material);
    this.face.frustumCulled = false;
    this.scene.add(this.face);
  }

  bind(uniforms: Uniforms): void {
    for (const material of [this.enter, this.leave]) {
      Object.assign(material.uniforms, { uFlags: uniforms.uFlags, uIsolate: uniforms.uIsolate });
      material.uniformsNeedUpdate = material.needsUpdate = true;
    }
    Object.assign(this.face.material.uniforms, { uCutColour: uniforms.uCutColour, uNight: uniforms.uNight });
  }

  setCuts(cuts: Cut[]): void {
    this.cuts = cuts;
  }

  /** Whether `draw` has no program to wait for. */
  ready(camera: PerspectiveCamera, programs: Programs): boolean {
    if (this.cuts.length === 0) return true;
    const planes = this.cuts.map(({ plane }) => plane);
    const { mask } = camera.layers;
    camera.layers.set(SOLID_LAYER);
    const counted = [this.enter, this.leave].map((counting) => {
      counting.clippingPlanes = planes.slice(0, 1);
      return programs.mayDrawWith(counting, camera);
    });
    camera.layers.mask = mask;
    this.clip(planes.slice(1));
    return programs.mayDrawAlso(this.scene) && counted.every(Boolean);
  }

  /** After the city was drawn: fill the cuts that show their cut side to the camera. */
  draw(city: Scene, camera: PerspectiveCamera): void {
    const { renderer } = this;
    const shown = this.cuts.filter(({ plane, face }) => face.length > 2 && plane.distanceToPoint(camera.position) < 0);
    if (shown.length === 0) return;
    const mask = camera.layers.mask;
    renderer.autoClear = false;
    for (const cut of shown) {
      renderer.clearStencil();
      camera.layers.set(SOLID_LAYER);
      for (const counting of [this.enter, this.leave]) {
        counting.clippingPlanes = [cut.plane];
        city.overrideMaterial = counting;
        renderer.render(city, camera);
      }
      city.overrideMaterial = null;
      camera.layers.mask = mask;
      this.show(cut.face, this.cuts.filter((other) => other !== cut).map((other) => other.plane));
      renderer.render(this.scene, camera);
    }
    renderer.autoClear = true;
  }

  dispose(): void {
    for (const material of [this.enter, this.leave, this.face.material]) material.dispose();
    this.face.geometry.dispose();
  }

  private show(face: Vector3[], others: Plane[]): void {
    const fan = face.slice(2).flatMap((corner, i) => [face[0] as Vector3, face[i + 1] as Vector3, corner]);
    this.face.geometry.dispose();
    this.face.geometry = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(fan.flatMap((p) => p.toArray()), 3));
    this.clip(others);
  }

  private clip(others: Plane[]): void {
    const { material } = this.face;
    if (material.clippingPlanes?.length !== others.length) material.needsUpdate = true;
    material.clippingPlanes = others;
  }
}
