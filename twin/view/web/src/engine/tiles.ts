/** One streamed tileset a layer, all in local metres, with shared cache and queues and our materials. */

import { Box3, BufferAttribute, type BufferGeometry, Group, type Material, Mesh, type Matrix4, type Object3D, type Plane, type Texture, type Vector3 } from "three";
import { GLTFExtensionsPlugin } from "3d-tiles-renderer/plugins";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
import { DownloadPriorityQueue, LRUCache, PriorityQueue, TilesRenderer } from "3d-tiles-renderer";
import type { PerspectiveCamera, WebGLRenderer } from "three";
import type { LayerSpec, SceneManifest } from "./api";
import type { Arrivals } from "./arrivals";
import { LayerMaterials, type Shape, type Uniforms } from "./materials";
import { Numbering, type TilesetExtras } from "./numbers";
import { type Tile, type TilesetDocument, TilesetRenewal } from "./renewal";
import { CLOUD_ERROR, CloudLook } from "./points";
import type { Dressed } from "./programs";

MeshoptDecoder.useWorkers(1);

/** Three.js layer number of what the pick pass draws. */
export const PICKABLE = 1;

/** Three.js layer number of closed shapes, whose cuts are filled. */
export const SOLID_LAYER = 2;

/** Size of a pixel on a wall, metres, above which windows are not drawn (see the façade's shader). */
const WINDOW_PIXEL_M = 0.36 * 3.4;

/** Share of the error that building models may show while one looks into them. */
const INSIDE_ERROR = 0.1;

/** State of a root that could not be loaded (3d-tiles-renderer's constants). */
const FAILED = -1;

/** Updates after an arrival until a tileset has asked for all that follows from it. */
const SETTLING = 2;

type Fetcher = (url: string) => Promise<Response>;

interface CityTilesOptions {
  fetch?: Fetcher;
  megabytes: number;
  errorTarget: number;
  /** Something to draw: a tile came or went. */
  changed: () => void;
  failed: (message: string) => void;
  arrivals: Arrivals;
  /** A terrain tile came. */
  terrain: (geometry: BufferGeometry, matrix: Matrix4) => void;
}

/** Reads tiles through the page's fetch and drops the root transform to the Earth: we stay in local metres. */
class LocalFrame {
  readonly name = "LOCAL_FRAME";

  constructor(
    private readonly root: string,
    private readonly fetcher: Fetcher | undefined,
    private readonly told: (extras: TilesetExtras | undefined) => void,
  ) {}

  /** The tileset as it is now. */
  async tileset(): Promise<TilesetDocument> {
    const response = await this.fetched(this.root, { cache: "no-cache" });
    return (await response.json()) as TilesetDocument;
  }

  private async fetched(url: string, options: RequestInit): Promise<Response> {
    const response = this.fetcher ? await this.fetcher(url) : await fetch(url, options);
    if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
    return response;
  }

  async fetchData(url: string, options: RequestInit): Promise<unknown> {
    const response = await this.fetched(String(url), options);
    if (String(url) !== this.root) return response;
    const tileset = (await response.json()) as { root?: { transform?: number[] }; extras?: TilesetExtras };
    if (tileset.root) delete tileset.root.transform;
    this.told(tileset.extras);
    return tileset;
  }
}

/** Height of each vertex above the foot of its object, for the shading of façades. */
function riseOf(geometry: BufferGeometry, matrix: Matrix4): BufferAttribute {
  const position = geometry.getAttribute("position");
  const feature = geometry.getAttribute("_feature_id_0");
  const [, , a, , , , b, , , , c] = matrix.elements;
  const heights = new Float32Array(position.count);
  const feet = new Map<number, number>();
  for (let i = 0; i < position.count; i++) {
    const height = a * position.getX(i) + b * position.getY(i) + c * position.getZ(i);
    heights[i] = height;
    const owner = feature.getX(i);
    const foot = feet.get(owner);
    if (foot === undefined || height < foot) feet.set(owner, height);
  }
  for (let i = 0; i < position.count; i++) heights[i] -= feet.get(feature.getX(i)) ?? 0;
  return new BufferAttribute(heights, 1);
}

/** What an object of a tile, as it was read, asks of its material. */
function shapeOf(object: Mesh): Shape {
  const { geometry, material, isLine, isPoints } = object as Mesh & { isLine?: boolean; isPoints?: boolean };
  const { map = null, alphaTest = 0 } = material as { map?: Texture | null; alphaTest?: number };
  const colours = Boolean(geometry.getAttribute("color"));
  return { type: isLine ? "line" : isPoints ? "point" : "mesh", colours, flat: !geometry.getAttribute("normal"), image: map, holes: alphaTest > 0 };
}

/** A layer on the screen. */
export class CityLayer {
  readonly tiles: TilesRenderer;
  readonly materials: LayerMaterials;
  /** How points are drawn, of a point cloud. */
  readonly cloud: CloudLook | null;
  readonly group = new Group();
  visible: boolean;
  private opacity: number;
  private veil = 0;
  private ghosts = false;
  private planes: Plane[] = [];
  private trench: Plane[] = [];
  private through = false;
  private readonly errorTarget: number;
  /** Whose objects the tiles show. */
  private numbering = Numbering.of(undefined);
  private readonly frame: LocalFrame;
  /** The version that is about to take the place of this one. */
  private coming: { renewal: TilesetRenewal; numbering: Numbering } | null = null;
  /** Updates that are still due after something arrived, before the tileset knows all that it wants. */
  private due = 0;

  constructor(
    public spec: LayerSpec,
    root: string,
    uniforms: Uniforms,
    private readonly options: CityTilesOptions,
  ) {
    this.visible = spec.visible;
    this.opacity = spec.opacity;
    this.errorTarget = options.errorTarget * (spec.cloud ? CLOUD_ERROR : 1);
    this.cloud = spec.cloud ? new CloudLook(spec.cloud, this.errorTarget, uniforms.uPixel) : null;
    this.materials = new LayerMaterials(spec, uniforms, this.cloud);
    const url = new URL(spec.tileset, root).toString();
    this.tiles = new TilesRenderer(url);
    this.frame = new LocalFrame(url, options.fetch, (extras) => (this.numbering = Numbering.of(extras)));
    this.tiles.registerPlugin(this.frame);
    this.tiles.registerPlugin({ name: "DRESSING", processTileModel: (scene: Object3D) => this.prepareModel(scene) });
    this.tiles.registerPlugin(new GLTFExtensionsPlugin({ metadata: false, rtc: false, autoDispose: false, meshoptDecoder: MeshoptDecoder }));
    this.tiles.errorTarget = this.errorTarget;
    this.tiles.autoDisableRendererCulling = false;
    this.tiles.addEventListener("load-model", ({ scene, tile }: { scene: Object3D; tile: unknown }) => this.dress(scene, tile as Tile));
    for (const event of ["load-model", "dispose-model", "tile-visibility-change", "load-tileset", "needs-update"]) {
      this.tiles.addEventListener(event, () => {
        this.due = SETTLING;
        options.changed();
      });
    }
    this.tiles.addEventListener("load-error", ({ error }: { error: Error }) => options.failed(`${spec.name}: ${error.message}`));
    this.group.add(this.tiles.group);
    this.group.visible = this.visible;
    this.applyOpacity();
  }

  /** Whether this layer is ground that an underground view looks through. */
  get cover(): boolean {
    return Boolean(this.materials.style.cover) && !this.spec.underground;
  }

  /** Whether a pick may hit it. */
  get pickable(): boolean {
    return this.visible && this.shownOpacity > 0.45 && !this.through;
  }

  setVisible(visible: boolean): void {
    this.visible = this.group.visible = visible;
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.applyOpacity();
  }

  /** Underground view: 0 = solid .. 1 = gone. */
  setVeil(amount: number): void {
    this.veil = this.cover ? amount : 0;
    this.applyOpacity();
  }

  /** Tiles beside the view are kept in the scene only while they may cast shadows into it. */
  setShadows(on: boolean): void {
    this.tiles.displayActiveTiles = on && Boolean(this.materials.style.casts);
  }

  setPlanes(planes: Plane[]): void {
    this.planes = planes;
    this.clip();
    this.aim();
  }

  /** Opens the ground where all of some planes have their back; a section comes first. */
  setTrench(planes: Plane[]): void {
    this.trench = this.cover ? planes : [];
    this.clip();
  }

  /** Lets picks through what covers the ground. */
  setThrough(on: boolean): void {
    this.through = on && this.cover;
  }

  private clip(): void {
    const hole = this.planes.length === 0 && this.trench.length > 0;
    this.materials.setPlanes(hole ? this.trench : this.planes, hole);
  }

  /** Show the transparent twins of what is not isolated. */
  setGhosts(on: boolean): void {
    if (this.cover) return;
    this.ghosts = on;
    this.aim();
    this.tiles.forEachLoadedModel((scene: Object3D) => this.applyGhosts(scene));
  }

  /** Coarse tiles of a building model are its shell, which one does not want to look into. */
  private aim(): void {
    const inside = this.spec.theme === "bim" && (this.planes.length > 0 || this.ghosts);
    const target = this.errorTarget * (inside ? INSIDE_ERROR : 1);
    if (target === this.tiles.errorTarget) return;
    this.tiles.errorTarget = target;
    this.due = SETTLING;
    this.options.changed();
  }

  get pending(): number {
    if (!this.visible) return 0;
    const { stats, rootLoadingState } = this.tiles as unknown as {
      stats: { queued: number; downloading: number; parsing: number };
      rootLoadingState: number;
    };
    const waiting = stats.queued + stats.downloading + stats.parsing;
    return waiting + (this.tiles.root || rootLoadingState === FAILED ? 0 : 1) + (this.due > 0 ? 1 : 0);
  }

  /** Choose the tiles for a camera; true while more updates are due. */
  update(camera: PerspectiveCamera, renderer: WebGLRenderer): boolean {
    this.due = Math.max(0, this.due - 1);
    this.tiles.setCamera(camera);
    this.tiles.setResolutionFromRenderer(camera, renderer);
    this.tiles.update();
    if (this.materials.style.windows) {
      this.tiles.group.traverse(({ userData }) => (userData.chooseMaterial as ((eye: Vector3) => void) | undefined)?.(camera.position));
    }
    return this.due > 0;
  }

  get loaded(): number {
    return (this.tiles as unknown as { stats: { loaded: number } }).stats.loaded;
  }

  /** Gets the next version of the tileset ready beside this one; false where none has come yet that could be changed. */
  async prepare(): Promise<boolean> {
    if (!this.tiles.root) {
      this.tiles.resetFailedTiles();
      return false;
    }
    const document = await this.frame.tileset();
    const renewal = new TilesetRenewal(this.tiles, document);
    this.coming = { renewal, numbering: Numbering.of(document.extras) };
    await renewal.loaded();
    return true;
  }

  /** Shows the version that is ready, and returns the way from its handles of before to those of now. */
  renew(spec: LayerSpec): (handle: number) => number {
    const { base } = this.spec;
    this.spec = spec;
    const { coming, numbering } = this;
    this.coming = null;
    if (!coming) return (handle) => handle - base + spec.base;
    coming.renewal.apply();
    if (!numbering.same(coming.numbering)) {
      this.tiles.forEachLoadedModel((scene: Object3D, tile: object) => {
        if (coming.renewal.fresh.has(tile as Tile)) return;
        scene.traverse((object) => {
          if ((object as Mesh).geometry && !object.userData.ghost) numbering.renumber((object as Mesh).geometry, coming.numbering);
        });
      });
      this.numbering = coming.numbering;
    }
    this.due = SETTLING;
    return numbering.to(coming.numbering);
  }

  dispose(): void {
    this.tiles.dispose();
    this.materials.dispose();
    this.cloud?.dispose();
    this.group.removeFromParent();
  }

  private get shownOpacity(): number {
    return this.opacity * (1 - this.veil);
  }

  private applyOpacity(): void {
    this.materials.setOpacity(this.shownOpacity);
    this.tiles.group.traverse((object) => {
      if (object instanceof Mesh) object.castShadow = this.materials.casts && !object.userData.ghost;
    });
  }

  /** A new tile is not there before it can be drawn without waiting. */
  private prepareModel(scene: Object3D): Promise<void> {
    const things: Dressed[] = [];
    scene.traverse((object) => {
      if (!(object as Mesh).geometry) return;
      const shape = shapeOf(object as Mesh);
      this.castOf(object as Mesh, shape);
      const looks = this.choosesByDistance(shape) ? [shape, { ...shape, far: true }] : [shape];
      for (const look of looks) things.push({ object, material: this.materials.of(look) });
      if (this.ghosts && !this.cover && shape.type === "mesh") things.push({ object, material: this.materials.ghost });
    });
    return this.options.arrivals.ready(things);
  }

  /** Give the objects of a new tile their materials and attributes. */
  private dress(scene: Object3D, tile: Tile): void {
    const numbering = this.coming?.renewal.fresh.has(tile) ? this.coming.numbering : this.numbering;
    scene.updateMatrixWorld(true);
    const objects: Mesh[] = [];
    scene.traverse((object) => {
      if ((object as Mesh).geometry) objects.push(object as Mesh);
    });
    for (const object of objects) this.dressObject(object, numbering);
    this.options.arrivals.upload(scene);
    this.applyGhosts(scene);
  }

  private dressObject(object: Mesh, numbering: Numbering): void {
    const { geometry } = object;
    const instance = geometry.getAttribute("_FEATURE_ID_0");
    if (instance) {
      geometry.setAttribute("_feature_id_0", instance);
      geometry.deleteAttribute("_FEATURE_ID_0");
    } else if (!geometry.getAttribute("_feature_id_0")) {
      const none = new Float32Array(geometry.getAttribute("position").count).fill(-1);
      geometry.setAttribute("_feature_id_0", new BufferAttribute(none, 1));
    }
    geometry.deleteAttribute("_feature_id_1");
    numbering.apply(geometry);
    const shape = shapeOf(object);
    const { type, image } = shape;
    if (type === "mesh" && this.materials.style.foot && !instance && !image) geometry.setAttribute("aRise", riseOf(geometry, object.matrixWorld));
    if (this.spec.theme === "terrain") this.options.terrain(geometry, object.matrixWorld);
    object.material = this.materials.of(shape);
    if (type === "point") this.cloud?.prepare(object);
    if (this.choosesByDistance(shape)) this.chooseByDistance(object, shape);
    this.castOf(object, shape);
    object.receiveShadow = type === "mesh";
    // Ground after what stands on it: hidden ground need not be shaded.
    object.renderOrder = this.materials.style.cover ? 1 : 0;
    object.layers.enable(PICKABLE);
    if (type === "mesh" && this.materials.style.closed) object.layers.enable(SOLID_LAYER);
  }

  private castOf(object: Mesh, shape: Shape): void {
    object.customDepthMaterial = this.materials.depthOf(shape);
    object.castShadow = this.materials.casts && shape.type === "mesh";
  }

  private choosesByDistance({ type, image }: Shape): boolean {
    return type === "mesh" && Boolean(this.materials.style.windows) && !image;
  }

  /** Façades that are too far away for windows get a material that does not look for them. */
  private chooseByDistance(mesh: Mesh, shape: Shape): void {
    const [near, far] = [this.materials.of(shape), this.materials.of({ ...shape, far: true })];
    const { uPixel, uNight } = this.materials.uniforms;
    const box = new Box3().setFromObject(mesh);
    mesh.userData.chooseMaterial = (eye: Vector3): void => {
      mesh.material = uNight.value === 0 && box.distanceToPoint(eye) * uPixel.value > WINDOW_PIXEL_M ? far : near;
    };
  }

  private applyGhosts(scene: Object3D): void {
    if (this.cover) return;
    const solid: Mesh[] = [];
    scene.traverse((object) => {
      if (object instanceof Mesh && !object.userData.ghost) solid.push(object);
    });
    for (const mesh of solid) {
      let twin = mesh.userData.twin as Mesh | undefined;
      if (!twin && this.ghosts) {
        twin = mesh.clone(false) as Mesh;
        twin.material = this.materials.ghost as Material;
        twin.userData = { ghost: true };
        twin.castShadow = twin.receiveShadow = false;
        twin.layers.set(0);
        twin.renderOrder = 5;
        mesh.userData.twin = twin;
        mesh.parent?.add(twin);
        twin.updateMatrixWorld(true);
      }
      if (twin) twin.visible = this.ghosts;
    }
  }
}

/** All layers of a city. */
export class CityTiles {
  readonly layers = new Map<string, CityLayer>();
  readonly group = new Group();
  private readonly cache = new LRUCache();
  private readonly parse = new PriorityQueue();
  private readonly nodes = new PriorityQueue();
  private readonly download = new DownloadPriorityQueue();

  constructor(
    manifest: SceneManifest,
    private readonly root: string,
    private readonly uniforms: Uniforms,
    private readonly options: CityTilesOptions,
  ) {
    this.parse.maxJobs = 4;
    this.nodes.maxJobs = 25;
    this.download.maxJobsPerOrigin = 12;
    this.cache.minBytesSize = options.megabytes * 0.75e6;
    this.cache.maxBytesSize = options.megabytes * 1e6;
    for (const spec of manifest.layers) this.add(spec);
  }

  private add(spec: LayerSpec): void {
    const layer = new CityLayer(spec, this.root, this.uniforms, this.options);
    const { tiles } = layer;
    this.cache.unloadPriorityCallback = tiles.lruCache.unloadPriorityCallback;
    this.parse.priorityCallback = tiles.parseQueue.priorityCallback;
    this.nodes.priorityCallback = tiles.processNodeQueue.priorityCallback;
    this.download.priorityCallback = tiles.downloadQueue.priorityCallback;
    tiles.lruCache = this.cache;
    tiles.parseQueue = this.parse;
    tiles.processNodeQueue = this.nodes;
    tiles.downloadQueue = this.download;
    this.layers.set(spec.name, layer);
    this.group.add(layer.group);
  }

  /** Gets what another version of the city shows ready; what is shown stays as it is until `renew`. */
  async prepare(manifest: SceneManifest): Promise<void> {
    const stay = manifest.layers.map(({ name }) => this.layers.get(name)).filter((layer) => layer !== undefined);
    await Promise.all(stay.map((layer) => layer.prepare()));
  }

  /** Shows what is ready, and returns the way from handles of before to those of now, -1 for what is gone. */
  renew(manifest: SceneManifest): (handle: number) => number {
    const ways: { base: number; end: number; way: (handle: number) => number }[] = [];
    for (const [name, layer] of [...this.layers]) {
      const { base, count, theme } = layer.spec;
      const spec = manifest.layers.find((each) => each.name === name && each.theme === theme);
      if (spec) {
        ways.push({ base, end: base + count, way: layer.renew(spec) });
        continue;
      }
      layer.dispose();
      this.layers.delete(name);
    }
    for (const spec of manifest.layers) if (!this.layers.has(spec.name)) this.add(spec);
    return (handle) => ways.find(({ base, end }) => handle >= base && handle < end)?.way(handle) ?? -1;
  }

  /** Choose the tiles for a camera and start what is missing; true while another frame is due. */
  update(camera: PerspectiveCamera, renderer: WebGLRenderer): boolean {
    const shown = [...this.layers.values()].filter((layer) => layer.visible);
    return shown.map((layer) => layer.update(camera, renderer)).some(Boolean);
  }

  get pending(): number {
    return [...this.layers.values()].reduce((sum, layer) => sum + layer.pending, 0);
  }

  get loaded(): number {
    return [...this.layers.values()].reduce((sum, layer) => sum + layer.loaded, 0);
  }

  get megabytes(): number {
    return (this.cache as unknown as { cachedBytes: number }).cachedBytes / 1e6;
  }

  /** Name of the layer that owns a handle. */
  layerOf(handle: number): string {
    for (const { spec } of this.layers.values()) {
      if (handle >= spec.base && handle < spec.base + spec.count) return spec.name;
    }
    return "";
  }

  dispose(): void {
    for (const layer of this.layers.values()) layer.dispose();
    this.layers.clear();
    this.group.removeFromParent();
  }
}
