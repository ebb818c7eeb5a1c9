/** A new version of a layer's tileset in place of the one that is shown: only what changed is loaded, and it is loaded first. */

import type { TilesRenderer } from "3d-tiles-renderer";
import type { TilesetExtras } from "./numbers";

/** What we use of the renderer's tiles. */
export interface Tile {
  content?: { uri: string };
  boundingVolume: { box?: number[] };
  geometricError: number;
  children: Tile[];
  parent?: Tile | null;
  internal?: { loadingState: number; depth: number; depthFromRenderedParent: number; basePath: string; hasRenderableContent: boolean };
}

export interface TilesetDocument {
  root: Tile & { transform?: number[] };
  extras?: TilesetExtras;
}

interface Inside {
  rootTileset: { root: Tile };
  lruCache: { remove(tile: Tile): boolean };
  preprocessNode(tile: Tile, basePath: string, parent: Tile | null): void;
  prepareForTraversal(): void;
  markTileUsed(tile: Tile): void;
  requestTileContents(tile: Tile): unknown;
}

/** States of a tile: those after the first and before the last are on the way. */
const [UNLOADED, LOADED] = [0, 4];
const LOOK_MS = 30;
const PATIENCE_MS = 60_000;

/** The name of a tile's cell, which is the beginning of its file's name. */
function cellOf(tile: Tile): string {
  return tile.content?.uri.split(".")[0] ?? "";
}

function same(one: Tile, other: Tile): boolean {
  return one.content?.uri === other.content?.uri && String(one.boundingVolume.box) === String(other.boundingVolume.box);
}

/** Prepares the new tree beside the old one, and puts it in its place in one step. */
export class TilesetRenewal {
  /** Tiles that the old tree does not have, or has with another content. */
  readonly fresh = new Set<Tile>();
  private readonly inside: Inside;
  private readonly old = new Map<string, Tile>();
  private readonly kept = new Set<Tile>();
  private readonly children = new Map<Tile, { error: number; list: Tile[] }>();
  private readonly root: Tile;
  private readonly awaited: Tile[] = [];
  private readonly marking: () => void;

  constructor(tiles: TilesRenderer, document: TilesetDocument) {
    this.inside = tiles as unknown as Inside;
    const { root } = this.inside.rootTileset;
    this.each(root, (tile) => cellOf(tile) && this.old.set(cellOf(tile), tile));
    delete document.root.transform;
    this.root = this.merged(document.root, null, root.internal?.basePath ?? "");
    this.marking = this.inside.prepareForTraversal;
  }

  /** Loads the new tiles in whose place old ones are loaded. */
  async loaded(): Promise<void> {
    const { inside } = this;
    inside.prepareForTraversal = () => {
      this.marking.call(inside);
      for (const tile of this.awaited) inside.markTileUsed(tile);
    };
    for (const tile of this.awaited) inside.requestTileContents(tile);
    const deadline = performance.now() + PATIENCE_MS;
    const busy = ({ internal }: Tile): boolean => internal !== undefined && internal.loadingState > UNLOADED && internal.loadingState < LOADED;
    while (this.awaited.some(busy) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  /** Lets the new tree take the place of the old one, whose other tiles are given up. */
  apply(): void {
    const { inside } = this;
    inside.prepareForTraversal = this.marking;
    for (const [tile, { error, list }] of this.children) {
      tile.children = list;
      tile.geometricError = error;
    }
    this.settle(this.root, null);
    const gone: Tile[] = [];
    this.each(inside.rootTileset.root, (tile) => void (this.kept.has(tile) || this.fresh.has(tile) || gone.push(tile)));
    for (const tile of this.old.values()) if (!this.kept.has(tile) && !gone.includes(tile)) gone.push(tile);
    inside.rootTileset.root = this.root;
    for (const tile of gone) inside.lruCache.remove(tile);
  }

  private merged(tile: Tile, parent: Tile | null, basePath: string): Tile {
    const known = this.old.get(cellOf(tile));
    const list = tile.children ?? [];
    let node = tile;
    if (known && same(known, tile)) {
      node = known;
      this.kept.add(node);
    } else {
      this.inside.preprocessNode(tile, basePath, parent);
      this.fresh.add(tile);
      if (known?.internal?.loadingState === LOADED) this.awaited.push(tile);
    }
    this.children.set(node, { error: tile.geometricError, list: list.map((child) => this.merged(child, node, basePath)) });
    return node;
  }

  /** Tells all tiles whom they belong to and how deep they are. */
  private settle(tile: Tile, parent: Tile | null): void {
    tile.parent = parent;
    if (tile.internal) {
      const drawn = tile.internal.hasRenderableContent ? 1 : 0;
      tile.internal.depth = (parent?.internal?.depth ?? -1) + 1;
      tile.internal.depthFromRenderedParent = (parent?.internal?.depthFromRenderedParent ?? 0) + drawn;
    }
    for (const child of tile.children) this.settle(child, tile);
  }

  private each(tile: Tile, look: (tile: Tile) => unknown): void {
    look(tile);
    for (const child of tile.children ?? []) this.each(child, look);
  }
}
