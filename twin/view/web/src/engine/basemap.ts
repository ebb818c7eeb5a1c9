/**
 * A map under the city: tiles in the city's own plan, chosen by what is seen, side by side in the layers of one texture.
 *
 * Each layer holds a window of the tiles of one zoom. A tile lies where its number says, modulo the size of the layer, so
 * that a window which moves on keeps what it has. Shaders look a place up in the finest layer that shows it.
 */

import {
  Box3,
  Color,
  DataArrayTexture,
  DataTexture,
  Frustum,
  type IUniform,
  LinearFilter,
  Matrix4,
  type PerspectiveCamera,
  RepeatWrapping,
  SRGBColorSpace,
  Texture,
  Vector2,
  Vector3,
  Vector4,
  type WebGLRenderer,
} from "three";
import type { BasemapLook, BasemapSpec } from "./api";
import { TileLoader } from "./basemap_tiles";
import { MAP_LAYERS } from "./shaders";

const TILE_PX = 256;
const MOST_WANTED = 220;

/** A tile that is to be seen, and how far away it is. */
export interface Wanted {
  zoom: number;
  column: number;
  row: number;
  away: number;
}

export interface BasemapHost {
  renderer: WebGLRenderer;
  /** Pixels along a layer, and pixels of the screen that one of a tile may cover. */
  size: number;
  sharpness: number;
  changed(): void;
  failed(message: string): void;
}

/** One zoom's window of tiles. */
interface Layer {
  zoom: number;
  /** West column and south row (counted from the south) of the window. */
  column: number;
  south: number;
  /** What each cell holds: the key of its tile, "" for nothing. */
  cells: string[];
}

export class Basemap {
  readonly uniforms: Record<string, IUniform> = {
    uMap: { value: new DataArrayTexture(new Uint8Array(4), 1, 1, 1) },
    uMapPlaces: { value: Array.from({ length: MAP_LAYERS }, () => new Vector4()) },
    uMapOffsets: { value: Array.from({ length: MAP_LAYERS }, () => new Vector2()) },
    uMapLook: { value: new Vector3(0, 1, 1) },
    // The light of the theme lies on maps as on everything.
    uPaper: { value: new Color(1, 1, 1) },
  };
  private readonly nothing = new DataTexture(new Uint8Array(4 * TILE_PX * TILE_PX), TILE_PX, TILE_PX);
  private readonly none = this.uniforms.uMap.value as DataArrayTexture;
  private readonly across: number;
  private spec: BasemapSpec | null = null;
  private look: BasemapLook = { opacity: 1, over: true };
  private tiles: TileLoader | null = null;
  private texture: DataArrayTexture | null = null;
  private layers: (Layer | null)[] = [];
  private readonly frustum = new Frustum();

  constructor(private readonly host: BasemapHost) {
    this.across = host.size / TILE_PX;
  }

  /** Shows a map, or none. */
  set(spec: BasemapSpec | null): void {
    if (JSON.stringify(spec) === JSON.stringify(this.spec)) return;
    this.clear();
    this.spec = spec;
    if (spec) {
      this.tiles = new TileLoader(spec.url, this.host);
      this.texture = arrayTexture(this.host.size);
      this.uniforms.uMap.value = this.texture;
    }
    this.setLook(this.look);
  }

  setLook(look: BasemapLook): void {
    this.look = look;
    const value = this.uniforms.uMapLook.value as Vector3;
    value.setX(this.spec ? look.opacity : 0).setY(look.over ? 1 : 0);
    this.host.changed();
  }

  /** Tiles of the present view that are still to come. */
  get pending(): number {
    return this.tiles?.pending ?? 0;
  }

  /** Chooses and places tiles for a view; `angle` = metres that a pixel covers a metre away, `level` = height of the ground. */
  update(camera: PerspectiveCamera, angle: number, level: number, top: number): void {
    const { spec, tiles } = this;
    if (!spec || !tiles || this.look.opacity === 0) return;
    const wanted = this.choose(spec, camera, angle, level, top);
    const finest = wanted.reduce((most, each) => Math.max(most, each.zoom), 0);
    for (let back = 0; back < MAP_LAYERS; back++) this.window(spec, finest - back, back, camera, angle, level);
    const missing = wanted.filter((each) => each.zoom > finest - MAP_LAYERS && !this.holds(each));
    tiles.want(missing.sort((a, b) => a.zoom - b.zoom || a.away - b.away));
    this.fill();
    (this.uniforms.uMapLook.value as Vector3).setZ(spec.grid.side_m / TILE_PX / 2 ** finest);
  }

  /** After a lost context the texture is empty. */
  restored(): void {
    for (const layer of this.layers) layer?.cells.fill("");
    if (this.texture) this.texture.needsUpdate = true;
  }

  dispose(): void {
    this.clear();
    this.none.dispose();
    this.nothing.dispose();
  }

  private clear(): void {
    this.tiles?.dispose();
    this.tiles = null;
    this.texture?.dispose();
    this.texture = null;
    this.spec = null;
    this.layers = [];
    this.uniforms.uMap.value = this.none;
    for (const place of this.uniforms.uMapPlaces.value as Vector4[]) place.set(0, 0, 0, 0);
  }

  /** Tiles that are seen, as fine as they are seen, with all that lie above them. */
  private choose(spec: BasemapSpec, camera: PerspectiveCamera, angle: number, level: number, top: number): Wanted[] {
    const { west, north, side_m } = spec.grid;
    this.frustum.setFromProjectionMatrix(new Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse));
    const eye = camera.position;
    const found: Wanted[] = [];
    let row: Wanted[] = [{ zoom: 0, column: 0, row: 0, away: 0 }];
    while (row.length && found.length < MOST_WANTED) {
      const next: Wanted[] = [];
      for (const tile of row) {
        const span = side_m / 2 ** tile.zoom;
        const [x0, y1] = [west + tile.column * span, north - tile.row * span];
        if (!this.frustum.intersectsBox(new Box3(new Vector3(x0, y1 - span, level - 5), new Vector3(x0 + span, y1, top)))) continue;
        const [dx, dy] = [outside(eye.x, x0, x0 + span), outside(eye.y, y1 - span, y1)];
        tile.away = Math.hypot(dx, dy, Math.max(1, eye.z - level));
        found.push(tile);
        if (tile.zoom >= spec.max_zoom || span / TILE_PX <= tile.away * angle * this.host.sharpness) continue;
        for (const i of [0, 1, 2, 3]) next.push({ zoom: tile.zoom + 1, column: 2 * tile.column + (i & 1), row: 2 * tile.row + (i >> 1), away: 0 });
      }
      row = next.sort((a, b) => a.away - b.away);
    }
    return found;
  }

  /** Moves the window of a zoom to where its tiles are seen. */
  private window(spec: BasemapSpec, zoom: number, back: number, camera: PerspectiveCamera, angle: number, level: number): void {
    const { across } = this;
    const place = (this.uniforms.uMapPlaces.value as Vector4[])[back] as Vector4;
    if (zoom < 0) return void place.set(0, 0, 0, 0);
    const slot = zoom % MAP_LAYERS;
    const span = spec.grid.side_m / 2 ** zoom;
    const reach = (0.75 * span) / TILE_PX / (angle * this.host.sharpness);
    const height = Math.max(0, camera.position.z - level);
    const ahead = camera.getWorldDirection(new Vector3()).setZ(0);
    const share = ahead.length();
    if (share > 1e-3) ahead.divideScalar(share);
    const middle = ahead.multiplyScalar(Math.sqrt(Math.max(0, reach * reach - height * height)) * Math.min(1, share * 1.5)).add(camera.position);
    const column = (middle.x - spec.grid.west) / span;
    const south = 2 ** zoom - (spec.grid.north - middle.y) / span;
    let layer = this.layers[slot];
    if (!layer || layer.zoom !== zoom) {
      layer = { zoom, column: NaN, south: NaN, cells: layer?.cells ?? new Array<string>(across * across).fill("") };
      this.layers[slot] = layer;
    }
    const stays = (start: number, at: number): boolean => Math.abs(at - start - across / 2) <= across / 4;
    if (!stays(layer.column, column)) layer.column = Math.round(column - across / 2);
    if (!stays(layer.south, south)) layer.south = Math.round(south - across / 2);
    const bottom = spec.grid.north - spec.grid.side_m + layer.south * span;
    place.set(spec.grid.west + layer.column * span, bottom, 1 / (span * across), slot);
    ((this.uniforms.uMapOffsets.value as Vector2[])[back] as Vector2).set(modulo(layer.column, across) / across, modulo(layer.south, across) / across);
  }

  private holds({ zoom, column, row }: Wanted): boolean {
    const layer = this.layers[zoom % MAP_LAYERS];
    return layer?.zoom === zoom && layer.cells[this.cell(column, 2 ** zoom - 1 - row)] === `${zoom}/${column}/${row}`;
  }

  private cell(column: number, south: number): number {
    return modulo(south, this.across) * this.across + modulo(column, this.across);
  }

  /** Puts what has come into the cells of its window, and nothing into those whose tile has not. */
  private fill(): void {
    const { across, tiles } = this;
    if (!tiles) return;
    this.layers.forEach((layer, slot) => {
      if (!layer) return;
      for (let south = layer.south; south < layer.south + across; south++) {
        for (let column = layer.column; column < layer.column + across; column++) {
          const key = `${layer.zoom}/${column}/${2 ** layer.zoom - 1 - south}`;
          const cell = this.cell(column, south);
          const held = layer.cells[cell];
          if (held === key) continue;
          const image = tiles.take(key);
          if (image) this.put(new Texture(image), column, south, slot);
          else if (held) this.put(this.nothing, column, south, slot);
          layer.cells[cell] = image ? key : "";
        }
      }
    });
  }

  private put(source: Texture, column: number, south: number, slot: number): void {
    const { across, texture } = this;
    if (!texture) return;
    const place = new Vector3(modulo(column, across) * TILE_PX, modulo(south, across) * TILE_PX, slot);
    this.host.renderer.copyTextureToTexture(source, texture, null, place);
  }
}

function arrayTexture(size: number): DataArrayTexture {
  const texture = new DataArrayTexture(null, size, size, MAP_LAYERS);
  texture.colorSpace = SRGBColorSpace;
  texture.minFilter = texture.magFilter = LinearFilter;
  texture.wrapS = texture.wrapT = RepeatWrapping;
  texture.generateMipmaps = false;
  // Only room is made; tiles come one by one.
  texture.source.dataReady = false;
  texture.needsUpdate = true;
  return texture;
}

/** How far a value lies outside a range. */
function outside(value: number, low: number, high: number): number {
  return Math.max(low - value, 0, value - high);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
