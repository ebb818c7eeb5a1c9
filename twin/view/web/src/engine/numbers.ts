/** From the numbers that objects have in the tiles of a layer, for as long as they are in it, to the handles of a scene. */

import { BufferAttribute, type BufferGeometry, InstancedBufferAttribute } from "three";

/** First number, first row of the layer, and how many follow. */
export type Run = [number: number, row: number, count: number];

/** What a tileset says of itself beside the standard. */
export interface TilesetExtras {
  base?: number;
  numbers?: Run[];
}

const ATTRIBUTE = "_feature_id_0";

/** The numbers of one version of a layer. */
export class Numbering {
  private constructor(
    private readonly base: number,
    private readonly runs: Run[],
  ) {}

  /** Tilesets of old know handles alone: their numbers are the handles. */
  static of(extras: TilesetExtras | undefined): Numbering {
    if (!extras?.numbers) return new Numbering(0, [[0, 0, Number.MAX_SAFE_INTEGER]]);
    return new Numbering(extras.base ?? 0, extras.numbers);
  }

  /** The handle of a number, -1 where no object has it any more. */
  handle(number: number): number {
    const run = find(this.runs, number, 0);
    return run ? this.base + run[1] + (number - run[0]) : -1;
  }

  same(other: Numbering): boolean {
    return this === other || (this.base === other.base && JSON.stringify(this.runs) === JSON.stringify(other.runs));
  }

  /** Writes the handles of a tile's objects where their numbers are. */
  apply(geometry: BufferGeometry): void {
    rewrite(geometry, (number) => this.handle(number));
  }

  /** The way from handles of this version to those of another one; -1 for what is gone. */
  to(other: Numbering): (handle: number) => number {
    const rows = [...this.runs].sort((a, b) => a[1] - b[1]);
    return (handle) => {
      const run = find(rows, handle - this.base, 1);
      return run ? other.handle(run[0] + (handle - this.base - run[1])) : -1;
    };
  }

  /** Rewrites the handles of a tile that shows this version to those of another one. */
  renumber(geometry: BufferGeometry, other: Numbering): void {
    rewrite(geometry, this.to(other));
  }
}

/** The run that holds a value: its number (`key` 0) or its row (1); the runs ascend by it. */
function find(runs: Run[], value: number, key: 0 | 1): Run | null {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle][key] <= value) low = middle + 1;
    else high = middle;
  }
  const run = runs[low - 1];
  return run && value - run[key] < run[2] ? run : null;
}

function rewrite(geometry: BufferGeometry, handle: (number: number) => number): void {
  const old = geometry.getAttribute(ATTRIBUTE);
  if (!old) return;
  const values = new Float32Array(old.count);
  let [last, found] = [Number.NaN, -1];
  for (let i = 0; i < values.length; i++) {
    const number = old.getX(i);
    if (number !== last) [last, found] = [number, number < 0 ? -1 : handle(number)];
    values[i] = found;
  }
  const instanced = old instanceof InstancedBufferAttribute;
  geometry.setAttribute(ATTRIBUTE, instanced ? new InstancedBufferAttribute(values, 1) : new BufferAttribute(values, 1));
}
