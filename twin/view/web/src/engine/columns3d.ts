/** Columns over objects: their height and colour say a value; all of them are one draw call. */

import { BoxGeometry, type DataTexture, InstancedBufferAttribute, InstancedBufferGeometry, Mesh, ShaderMaterial, Vector3 } from "three";
import type { ColumnsSpec, PictureFacts } from "./picture_api";
import { COLUMN_FRAGMENT, COLUMN_VERTEX } from "./picture_shaders";
import { paletteTexture } from "./ramp";

export class Columns3d {
  readonly object: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  readonly facts: PictureFacts = { low: 0, high: 1 };
  private readonly palette: DataTexture;

  constructor(spec: ColumnsSpec) {
    if (!spec.points.length) throw new Error("No object has a place and a value");
    const box = new BoxGeometry(1, 1, 1).translate(0, 0, 0.5);
    const geometry = new InstancedBufferGeometry();
    geometry.setIndex(box.getIndex());
    geometry.setAttribute("position", box.getAttribute("position"));
    geometry.setAttribute("aFoot", new InstancedBufferAttribute(spec.points, 4));
    geometry.instanceCount = spec.points.length / 4;
    this.palette = paletteTexture(spec.palette.rgba);
    const material = new ShaderMaterial({
      vertexShader: COLUMN_VERTEX,
      fragmentShader: COLUMN_FRAGMENT,
      uniforms: {
        uWidth: { value: spec.width_m },
        uHeight: { value: spec.height_m },
        uPixel: { value: 0.001 },
        uPalette: { value: this.palette },
        uSun: { value: new Vector3(0.4, -0.3, 0.8) },
        uOpacity: { value: spec.opacity },
      },
      transparent: spec.opacity < 1,
      toneMapped: false,
    });
    this.object = new Mesh(geometry, material);
    this.object.frustumCulled = false;
    this.object.renderOrder = 1;
  }

  prepare(pixel: number, sun: Vector3): void {
    (this.object.material.uniforms.uPixel as { value: number }).value = pixel;
    (this.object.material.uniforms.uSun as { value: Vector3 }).value.copy(sun);
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    this.palette.dispose();
  }
}
