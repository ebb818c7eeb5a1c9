/** Result surfaces: coloured meshes that a simulation lays over the city. */

import { BufferAttribute, DoubleSide, Group, type Material, Mesh, MeshBasicMaterial, type Plane } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { PICKABLE } from "./tiles";

export class Surfaces {
  readonly group = new Group();
  private readonly shown = new Map<string, Group>();
  private planes: Plane[] = [];

  /** Show glb bytes (y up, COLOR_0) under a name, in place of what had that name; null removes it. */
  async set(name: string, glb: ArrayBuffer | null): Promise<void> {
    const loaded = glb ? (await new GLTFLoader().parseAsync(glb, "")).scene : null;
    this.remove(name);
    if (!loaded) return;
    loaded.rotation.x = Math.PI / 2;
    loaded.updateMatrixWorld(true);
    loaded.traverse((object) => {
      if (object instanceof Mesh) this.dress(object);
    });
    this.shown.set(name, loaded);
    this.group.add(loaded);
  }

  /** Show a mesh in local metres under a name; null removes it. Picks go through it. */
  put(name: string, mesh: Mesh | null): void {
    this.remove(name);
    if (!mesh) return;
    this.dress(mesh);
    mesh.layers.disable(PICKABLE);
    const group = new Group().add(mesh);
    this.shown.set(name, group);
    this.group.add(group);
  }

  setPlanes(planes: Plane[]): void {
    this.planes = planes;
    this.group.traverse((object) => {
      if (object instanceof Mesh) (object.material as Material).clippingPlanes = planes;
    });
  }

  dispose(): void {
    for (const name of [...this.shown.keys()]) this.remove(name);
  }

  private dress(mesh: Mesh): void {
    const { geometry } = mesh;
    if (!geometry.getAttribute("_feature_id_0")) {
      const none = new Float32Array(geometry.getAttribute("position").count).fill(-1);
      geometry.setAttribute("_feature_id_0", new BufferAttribute(none, 1));
    }
    const colours = geometry.getAttribute("color");
    (mesh.material as Material).dispose();
    mesh.material = new MeshBasicMaterial({
      vertexColors: Boolean(colours),
      color: colours ? 0xffffff : 0x3b82c4,
      transparent: colours?.itemSize === 4,
      side: DoubleSide,
      polygonOffset: true,
      polygonOffsetFactor: -6,
      polygonOffsetUnits: -24,
      clippingPlanes: this.planes,
      toneMapped: false,
    });
    mesh.renderOrder = 4;
    mesh.layers.enable(PICKABLE);
  }

  private remove(name: string): void {
    const old = this.shown.get(name);
    if (!old) return;
    old.removeFromParent();
    old.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      object.geometry.dispose();
      (object.material as Material).dispose();
    });
    this.shown.delete(name);
  }
}
