/** Flows: dashes that run along lines or over arcs, wider and faster for greater values; one draw call each. */

import { BufferAttribute, type DataTexture, InstancedBufferGeometry, InstancedInterleavedBuffer, InterleavedBufferAttribute, Mesh, ShaderMaterial, Vector2 } from "three";
import type { FlowsSpec, PictureFacts } from "./picture_api";
import { FLOW_FRAGMENT, FLOW_VERTEX } from "./picture_shaders";
import { paletteTexture } from "./ramp";

/** Straight parts of an arc. */
const ARC_PARTS = 28;
/** Pixels from dash to dash, about. */
const PERIOD_PX = 90;

export class Flows {
  readonly object: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  readonly facts: PictureFacts = { low: 0, high: 1 };
  private readonly palette: DataTexture;
  private readonly uniforms;

  constructor(spec: FlowsSpec) {
    if (!spec.pieces.length) throw new Error("No line has a value");
    const geometry = strip(spec.rise > 0 ? ARC_PARTS : 1);
    const buffer = new InstancedInterleavedBuffer(spec.pieces, 8);
    geometry.setAttribute("aFrom", new InterleavedBufferAttribute(buffer, 4, 0));
    geometry.setAttribute("aTo", new InterleavedBufferAttribute(buffer, 4, 4));
    geometry.instanceCount = spec.pieces.length / 8;
    this.palette = paletteTexture(spec.palette.rgba);
    this.uniforms = {
      uRise: { value: spec.rise },
      uWidth: { value: spec.width_px },
      uSize: { value: new Vector2(1, 1) },
      uPalette: { value: this.palette },
      uTime: { value: 0 },
      uPeriod: { value: 100 },
      uOpacity: { value: spec.opacity },
    };
    const material = new ShaderMaterial({ vertexShader: FLOW_VERTEX, fragmentShader: FLOW_FRAGMENT, uniforms: this.uniforms, transparent: true, depthWrite: false, toneMapped: false });
    this.object = new Mesh(geometry, material);
    this.object.frustumCulled = false;
    this.object.renderOrder = 5;
  }

  /** `pixel_m` = metres that a pixel covers in the middle of the view. */
  prepare(time_s: number, size: { width: number; height: number }, pixel_m: number): void {
    this.uniforms.uTime.value = time_s;
    this.uniforms.uSize.value.set(size.width, size.height);
    this.uniforms.uPeriod.value = 2 ** Math.round(Math.log2(Math.max(1, PERIOD_PX * pixel_m)));
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    this.palette.dispose();
  }
}

/** A band of quads: x = place along 0..1, y = side -1 or 1. */
function strip(parts: number): InstancedBufferGeometry {
  const places = Array.from({ length: parts + 1 }, (_, i) => [i / parts, -1, 0, i / parts, 1, 0]).flat();
  const index = Array.from({ length: parts }, (_, i) => [0, 2, 1, 1, 2, 3].map((corner) => 2 * i + corner)).flat();
  const geometry = new InstancedBufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(places), 3));
  geometry.setIndex(index);
  return geometry;
}
