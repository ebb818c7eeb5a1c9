/** What comes while one looks: tiles are made ready one at a time, so that no frame has the work of many of them. */

import { type InstancedMesh, type Mesh, type Object3D, PerspectiveCamera, Scene, type Texture, type WebGLRenderer, WebGLRenderTarget } from "three";
import type { Dressed, Programs } from "./programs";

export class Arrivals {
  private last: Promise<void> = Promise.resolve();
  private readonly target = new WebGLRenderTarget(1, 1);
  private readonly camera = new PerspectiveCamera();
  private readonly stage = new Scene();

  constructor(
    private readonly renderer: WebGLRenderer,
    private readonly programs: Programs,
    private readonly shadows: () => boolean,
  ) {}

  /** Resolves when things can be drawn without waiting for a program, in a task of the page of its own. */
  async ready(things: Dressed[]): Promise<void> {
    await this.programs.prepare(things, this.shadows());
    this.last = this.last.then(() => new Promise((done) => setTimeout(done)));
    await this.last;
  }

  /** Hands a tile that has its materials and attributes to the graphics card, before the frame that shows it. */
  upload(tile: Object3D): void {
    const { renderer, stage } = this;
    const undo: (() => void)[] = [];
    tile.traverse((object) => {
      const { geometry, material, frustumCulled } = object as Mesh;
      if (!geometry || Array.isArray(material)) return;
      if ((object as InstancedMesh).isInstancedMesh) (object as InstancedMesh).computeBoundingSphere();
      const { map } = material as { map?: Texture | null };
      if (map) renderer.initTexture(map);
      const { visible } = material;
      undo.unshift(() => Object.assign(object, { frustumCulled }), () => Object.assign(material, { visible }));
      // An object whose material is not visible is brought up to date, but not drawn.
      object.frustumCulled = material.visible = false;
    });
    const before = renderer.getRenderTarget();
    const { needsUpdate } = renderer.shadowMap;
    renderer.shadowMap.needsUpdate = false;
    renderer.setRenderTarget(this.target);
    stage.children = [tile];
    renderer.render(stage, this.camera);
    stage.children = [];
    renderer.setRenderTarget(before);
    renderer.shadowMap.needsUpdate = needsUpdate;
    for (const step of undo) step();
  }

  dispose(): void {
    this.target.dispose();
  }
}
