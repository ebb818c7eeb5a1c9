/** Breaks between classes of numbers, and colours that can be told apart with any colour vision. */

/** viridis and cividis of matplotlib (CC0) and two more of the server's ramps, at places evenly apart. */
export const RAMPS = {
  viridis: ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
  cividis: ["#00224e", "#083370", "#35456c", "#4f576c", "#666970", "#7d7c78", "#948e77", "#aea371", "#c8b866", "#e5cf52", "#fee838"],
  diverging: ["#053061", "#2065ab", "#4393c3", "#90c4dd", "#d1e5f0", "#f7f6f6", "#fddbc7", "#f3a481", "#d6604d", "#b1182b", "#67001f"],
  water: ["#eaf6fb", "#c6e6f2", "#93cde4", "#5aadd3", "#2f89bd", "#1f669f", "#1b467d", "#142a56"],
} as const;

export type Ramp = keyof typeof RAMPS;

/** Okabe and Ito's colours and their lighter relatives, for classes without an order. */
export const CATEGORIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5195", "#8c8c8c", "#6b8e23", "#b5651d", "#3d5a80"];

export type Method = "categories" | "quantile" | "equal" | "jenks";

/** Different values up to which natural breaks are exact; more are drawn together first. */
const MOST_JENKS = 1000;

/** Inner bounds of classes, ascending, between the least and the greatest of sorted numbers; fewer where values repeat. */
export function breaks(sorted: Float64Array, method: Exclude<Method, "categories">, classes: number): number[] {
  const low = sorted[0] as number;
  const high = sorted[sorted.length - 1] as number;
  if (sorted.length === 0 || low === high || classes < 2) return [];
  const made =
    method === "equal"
      ? Array.from({ length: classes - 1 }, (_, i) => low + ((high - low) * (i + 1)) / classes)
      : method === "quantile"
        ? Array.from({ length: classes - 1 }, (_, i) => quantile(sorted, (i + 1) / classes))
        : jenks(sorted, classes);
  return made.filter((value, i) => value > low && value <= high && value !== made[i - 1]);
}

/** Linear between the two nearest, as numpy does. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const before = sorted[Math.floor(at)] as number;
  const after = sorted[Math.ceil(at)] as number;
  return before + (after - before) * (at - Math.floor(at));
}

/** Natural breaks (Fisher's exact method): the bounds that leave the least variance within the classes. */
export function jenks(sorted: Float64Array, classes: number): number[] {
  const { values, weights } = grouped(sorted);
  const count = values.length;
  const groups = Math.min(classes, count);
  const sums = [new Float64Array(count + 1), new Float64Array(count + 1), new Float64Array(count + 1)] as const;
  for (let i = 0; i < count; i++) {
    const [value, weight] = [values[i] as number, weights[i] as number];
    sums[0][i + 1] = (sums[0][i] as number) + weight;
    sums[1][i + 1] = (sums[1][i] as number) + weight * value;
    sums[2][i + 1] = (sums[2][i] as number) + weight * value * value;
  }
  const cost = (from: number, to: number): number => {
    const [w, s, q] = sums.map((sum) => (sum[to] as number) - (sum[from] as number)) as [number, number, number];
    return q - (s * s) / w;
  };
  let best = Float64Array.from({ length: count + 1 }, (_, to) => (to ? cost(0, to) : 0));
  const starts: Int32Array[] = [];
  for (let group = 1; group < groups; group++) {
    const next = new Float64Array(count + 1).fill(Infinity);
    const start = new Int32Array(count + 1);
    for (let to = group + 1; to <= count; to++) {
      for (let from = group; from < to; from++) {
        const total = (best[from] as number) + cost(from, to);
        if (total < (next[to] as number)) [next[to], start[to]] = [total, from];
      }
    }
    best = next;
    starts.push(start);
  }
  const found: number[] = [];
  for (let to = count, group = starts.length - 1; group >= 0; group--) {
    to = (starts[group] as Int32Array)[to] as number;
    found.unshift(values[to] as number);
  }
  return found;
}

/** Different values with how often each occurs; very many are drawn together into cells of equal counts. */
function grouped(sorted: Float64Array): { values: number[]; weights: number[] } {
  const values: number[] = [];
  const weights: number[] = [];
  for (const value of sorted) {
    if (value === values[values.length - 1]) weights[weights.length - 1] = (weights[weights.length - 1] as number) + 1;
    else {
      values.push(value);
      weights.push(1);
    }
  }
  if (values.length <= MOST_JENKS) return { values, weights };
  const step = sorted.length / MOST_JENKS;
  const some = Array.from({ length: MOST_JENKS }, (_, i) => sorted[Math.floor(i * step)] as number);
  return grouped(Float64Array.from(some));
}

/** Number of the class of a value: a bound belongs to the class above it. */
export function classOf(value: number, bounds: number[]): number {
  let at = 0;
  while (at < bounds.length && value >= (bounds[at] as number)) at += 1;
  return at;
}

/** Colours of some classes along a ramp. */
export function rampColours(ramp: Ramp, count: number, reversed: boolean): string[] {
  const stops = RAMPS[ramp];
  const colours = Array.from({ length: count }, (_, i) => mixed(stops, count > 1 ? i / (count - 1) : 0.5));
  return reversed ? colours.reverse() : colours;
}

function mixed(stops: readonly string[], share: number): string {
  const at = share * (stops.length - 1);
  const from = channels(stops[Math.floor(at)] as string);
  const to = channels(stops[Math.ceil(at)] as string);
  return `#${from.map((value, i) => Math.round(value + ((to[i] as number) - value) * (at - Math.floor(at))).toString(16).padStart(2, "0")).join("")}`;
}

export function channels(colour: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];
}
