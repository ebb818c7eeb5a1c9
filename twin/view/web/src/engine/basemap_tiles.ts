/** The pictures of a map's tiles: a few are fetched at once, the last ones are kept. */
import type { Wanted } from "./basemap";

const AT_ONCE = 6;
const MOST_KEPT = 300;
/** A tile that failed is asked again after this. */
const AGAIN_MS = 30_000;

export interface TileHost {
  changed(): void;
  failed(message: string): void;
}

export class TileLoader {
  private readonly kept = new Map<string, ImageBitmap>();
  private readonly empty = new Set<string>();
  private readonly refused = new Map<string, number>();
  private readonly loading = new Map<string, AbortController>();
  private queue: string[] = [];
  private told = false;
  private disposed = false;

  constructor(
    private readonly url: string,
    private readonly host: TileHost,
  ) {}

  get pending(): number {
    return this.queue.length + this.loading.size;
  }

  /** From now on these tiles are wanted, the first most; others that are on their way come nevertheless. */
  want(tiles: Wanted[]): void {
    const now = performance.now();
    const open = (key: string): boolean => !this.kept.has(key) && !this.empty.has(key) && !this.loading.has(key) && now - (this.refused.get(key) ?? -AGAIN_MS) >= AGAIN_MS;
    this.queue = tiles.map(({ zoom, column, row }) => `${zoom}/${column}/${row}`).filter(open);
    this.next();
  }

  /** A tile's picture, where it has come. */
  take(key: string): ImageBitmap | null {
    const found = this.kept.get(key);
    if (!found) return null;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found;
  }

  dispose(): void {
    this.disposed = true;
    this.queue = [];
    for (const controller of this.loading.values()) controller.abort();
    for (const image of this.kept.values()) image.close();
    this.kept.clear();
  }

  private next(): void {
    while (this.loading.size < AT_ONCE) {
      const key = this.queue.shift();
      if (key === undefined) return;
      void this.load(key);
    }
  }

  private async load(key: string): Promise<void> {
    const controller = new AbortController();
    this.loading.set(key, controller);
    try {
      const image = await this.read(key, controller.signal);
      if (this.disposed) image?.close();
      else if (image) this.keep(key, image);
      else this.empty.add(key);
    } catch (error) {
      this.refuse(key, error);
    } finally {
      this.loading.delete(key);
      if (!this.disposed) {
        this.next();
        this.host.changed();
      }
    }
  }

  private async read(key: string, signal: AbortSignal): Promise<ImageBitmap | null> {
    const answer = await fetch(`${this.url}/${key}`, { signal });
    if (answer.status === 204 || answer.status === 404) return null;
    if (!answer.ok) {
      const said = (await answer.json().catch(() => null)) as { error?: string } | null;
      throw new Error(said?.error ?? `${answer.status} ${answer.statusText}`);
    }
    return createImageBitmap(await answer.blob(), { imageOrientation: "flipY", premultiplyAlpha: "premultiply", colorSpaceConversion: "none" });
  }

  private refuse(key: string, error: unknown): void {
    if (this.disposed) return;
    this.refused.set(key, performance.now());
    if (this.told) return;
    this.told = true;
    this.host.failed(error instanceof Error ? error.message : String(error));
  }

  private keep(key: string, image: ImageBitmap): void {
    this.told = false;
    this.kept.set(key, image);
    for (const [oldest, picture] of this.kept) {
      if (this.kept.size <= MOST_KEPT) return;
      picture.close();
      this.kept.delete(oldest);
    }
  }
}
