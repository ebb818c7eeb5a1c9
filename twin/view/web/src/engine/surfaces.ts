/** Result surfaces: coloured meshes that a simulation lays over the city. */

import { BufferAttribute, type BufferGeometry, DoubleSide, Group, type Material, Mesh, MeshBasicMaterial, type Plane } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { LayerMaterials, type Uniforms } from "./materials";
import { SPARE_HANDLES } from "./objects";
import { PICKABLE } from "./tiles";

/** The look of objects that only a scenario has: lit like the city, in the colours that they bring. */
const VARIANT = { name: "variant", theme: "generic", titles: { en: "", zh: "" }, tileset: "", base: 0, count: 0, visible: true, opacity: 1, underground: false, bounds: null, source: "" };

export class Surfaces {
  readonly group = new Group();
  private readonly shown = new Map<string, Group>();
  private planes: Plane[] = [];
  private objects: LayerMaterials | null = null;

  /** Use the state of the objects of a city. */
  bind(uniforms: Uniforms): void {
    this.objects?.dispose();
    this.objects = new LayerMaterials(VARIANT, uniforms);
    this.objects.setPlanes(this.planes);
  }

  /**
   * Show glb bytes (y up, COLOR_0) under a name, in place of what had that name; null removes it. With a first handle
   * they are objects, whose feature ids count from it: they can be picked, marked and hidden, and cast shadows.
   */
  async set(name: string, glb: ArrayBuffer | null, first: number | null = null): Promise<void> {
    const loaded = glb ? (await new GLTFLoader().parseAsync(glb, "")).scene : null;
    this.remove(name);
    if (!loaded) return;
    loaded.rotation.x = Math.PI / 2;
    loaded.updateMatrixWorld(true);
    loaded.traverse((object) => {
      if (object instanceof Mesh) this.dress(object, first);
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
    this.objects?.setPlanes(planes);
    this.group.traverse((object) => {
      if (object instanceof Mesh && !object.userData.object) (object.material as Material).clippingPlanes = planes;
    });
  }

  dispose(): void {
    for (const name of [...this.shown.keys()]) this.remove(name);
    this.objects?.dispose();
    this.objects = null;
  }

  private dress(mesh: Mesh, first: number | null = null): void {
    const { geometry } = mesh;
    if (this.objects && first !== null && geometry.getAttribute("_feature_id_0")) return this.embody(mesh, this.objects, first);
    geometry.deleteAttribute("_feature_id_0");
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

  /** Makes a mesh part of the city. */
  private embody(mesh: Mesh, materials: LayerMaterials, first: number): void {
    const geometry = mesh.geometry as BufferGeometry;
    const ids = geometry.getAttribute("_feature_id_0");
    geometry.setAttribute("_feature_id_0", new BufferAttribute(Float32Array.from({ length: ids.count }, (_, i) => (ids.getX(i) < SPARE_HANDLES ? ids.getX(i) + first : -1)), 1));
    (mesh.material as Material).dispose();
    mesh.material = materials.of({ type: "mesh", colours: Boolean(geometry.getAttribute("color")), flat: !geometry.getAttribute("normal") });
    mesh.customDepthMaterial = materials.depth;
    mesh.castShadow = mesh.receiveShadow = true;
    mesh.userData.object = true;
    mesh.layers.enable(PICKABLE);
  }

  private remove(name: string): void {
    const old = this.shown.get(name);
    if (!old) return;
    old.removeFromParent();
    old.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      object.geometry.dispose();
      if (!object.userData.object) (object.material as Material).dispose();
    });
    this.shown.delete(name);
  }
}
