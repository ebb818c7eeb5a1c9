/** State of each object by its handle: an overlay code and flags, held in two textures of one byte a handle. */

import { DataTexture, NearestFilter, RedFormat, RGBAFormat, SRGBColorSpace, UnsignedByteType } from "three";

/** Handles lie row by row in textures of this width. */
export const TEXTURE_WIDTH = 4096;

/** Handles after those of the city, for objects that only a scenario has (`twin/view/variant_objects.py`). */
export const SPARE_HANDLES = 8_192;

/** Bits of the flags byte. */
export const HIDDEN = 1;
export const SELECTED = 2;
export const SOLID = 4;
export const HOVERED = 8;
export const GHOST = 16;

/** Changed rows beyond which all of a table travels at once. */
const MANY_ROWS = 6;

/** One byte a handle on the CPU and its texture; only changed rows travel to the GPU. */
class ByteTable {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly texture: DataTexture;
  private readonly dirty: Uint8Array;
  private all = true;

  constructor(count: number) {
    const rows = Math.max(1, Math.ceil(count / TEXTURE_WIDTH));
    this.bytes = new Uint8Array(rows * TEXTURE_WIDTH);
    this.dirty = new Uint8Array(rows);
    this.texture = new DataTexture(this.bytes, TEXTURE_WIDTH, rows, RedFormat, UnsignedByteType);
    this.texture.minFilter = this.texture.magFilter = NearestFilter;
    this.texture.unpackAlignment = 1;
  }

  touch(handle: number): void {
    this.dirty[Math.floor(handle / TEXTURE_WIDTH)] = 1;
  }

  touchAll(): void {
    this.all = true;
  }

  /** Mark what the next frame uploads; false when nothing changed. */
  flush(): boolean {
    if (this.dirty.reduce((sum, row) => sum + row, 0) > MANY_ROWS) this.all = true;
    let changed = this.all;
    this.texture.clearUpdateRanges();
    for (let row = 0; row < this.dirty.length; row++) {
      if (!this.dirty[row]) continue;
      this.dirty[row] = 0;
      changed = true;
      // The renderer counts ranges in components of RGBA texels, whatever the format is.
      if (!this.all) this.texture.addUpdateRange(row * TEXTURE_WIDTH * 4, TEXTURE_WIDTH * 4);
    }
    this.all = false;
    if (changed) this.texture.needsUpdate = true;
    return changed;
  }
}

export class ObjectStates {
  readonly palette: DataTexture;
  private readonly codeTable: ByteTable;
  private readonly flagTable: ByteTable;
  private readonly marked = new Map<number, Set<number>>();

  constructor(readonly count: number) {
    this.codeTable = new ByteTable(count);
    this.flagTable = new ByteTable(count);
    this.palette = new DataTexture(new Uint8Array(1024), 256, 1, RGBAFormat, UnsignedByteType);
    this.palette.colorSpace = SRGBColorSpace;
    this.palette.minFilter = this.palette.magFilter = NearestFilter;
    this.palette.needsUpdate = true;
  }

  get codes(): DataTexture {
    return this.codeTable.texture;
  }

  get flags(): DataTexture {
    return this.flagTable.texture;
  }

  /** Megabytes on the GPU. */
  get megabytes(): number {
    return (2 * this.codeTable.bytes.length) / 1e6;
  }

  setPalette(rgba: Uint8Array): void {
    (this.palette.image.data as Uint8Array).set(rgba.subarray(0, 1024));
    this.palette.needsUpdate = true;
  }

  setCodes(codes: Uint8Array): void {
    const { bytes } = this.codeTable;
    const size = Math.min(codes.length, this.count);
    let at = 0;
    while (at < size && bytes[at] === codes[at]) at++;
    // The same codes under another palette need not travel again.
    if (at === size) return;
    bytes.set(codes.subarray(0, size));
    this.codeTable.touchAll();
  }

  setCodesOf(handles: Uint32Array, codes: Uint8Array): void {
    const { bytes } = this.codeTable;
    const size = Math.min(handles.length, codes.length);
    for (let i = 0; i < size; i++) {
      const handle = handles[i];
      if (handle >= this.count || bytes[handle] === codes[i]) continue;
      bytes[handle] = codes[i];
      this.codeTable.touch(handle);
    }
  }

  codeOf(handle: number): number {
    return handle >= 0 && handle < this.count ? this.codeTable.bytes[handle] : 0;
  }

  has(handle: number, flag: number): boolean {
    return handle >= 0 && handle < this.count && (this.flagTable.bytes[handle] & flag) !== 0;
  }

  /** Whether any object has a flag. */
  any(flag: number): boolean {
    return (this.marked.get(flag)?.size ?? 0) > 0;
  }

  /** Raise or lower a flag of some handles. */
  mark(handles: Iterable<number>, flag: number, on: boolean): void {
    const set = this.marked.get(flag) ?? new Set<number>();
    this.marked.set(flag, set);
    for (const handle of handles) {
      if (handle < 0 || handle >= this.count) continue;
      const old = this.flagTable.bytes[handle];
      const now = on ? old | flag : old & ~flag;
      if (on) set.add(handle);
      else set.delete(handle);
      if (now === old) continue;
      this.flagTable.bytes[handle] = now;
      this.flagTable.touch(handle);
    }
  }

  /** Raise a flag of exactly these handles. */
  markOnly(handles: Iterable<number>, flag: number): void {
    this.mark([...(this.marked.get(flag) ?? [])], flag, false);
    this.mark(handles, flag, true);
  }

  /** The same states for other handles: `way` leads from those of before to those of now, -1 = gone. */
  renumbered(count: number, way: (handle: number) => number): ObjectStates {
    const made = new ObjectStates(count);
    made.setPalette(this.palette.image.data as Uint8Array);
    for (const [flag, handles] of this.marked) made.mark([...handles].map(way), flag, true);
    for (let handle = 0; handle < this.count; handle++) {
      const code = this.codeTable.bytes[handle];
      const now = code ? way(handle) : -1;
      if (now >= 0 && now < count) made.codeTable.bytes[now] = code;
    }
    return made;
  }

  /** After a lost context everything must be uploaded again. */
  uploadAll(): void {
    this.codeTable.touchAll();
    this.flagTable.touchAll();
    this.palette.needsUpdate = true;
  }

  flush(): boolean {
    const codes = this.codeTable.flush();
    return this.flagTable.flush() || codes;
  }

  dispose(): void {
    this.codes.dispose();
    this.flags.dispose();
    this.palette.dispose();
  }
}
