/** Thematic pictures as people choose them, and their short form in the address. */
import { PICTURE_RAMPS, type PictureRamp } from "../engine/ramp";

export type ThemeKind = "heat" | "columns" | "lines" | "arcs";
export const THEME_KINDS: readonly ThemeKind[] = ["heat", "columns", "lines", "arcs"];

export interface Theming {
  kind: ThemeKind;
  /** "a:" and an attribute, "o:" and an overlay, "n:" = each object counts once; of arcs the name of their file. */
  of: string;
  /** Empty = every layer that has it. */
  layer: string;
  ramp: PictureRamp;
  /** Radius of heat, height of the highest column, width in pixels of the widest flow. */
  size: number;
  /** Of heat. */
  measure: "density" | "mean";
}

/** Least, greatest and step of sizes, and what one begins with. */
export const SIZES: Record<ThemeKind, { range: [number, number, number]; first: number; unit: string }> = {
  heat: { range: [20, 1500, 10], first: 250, unit: " m" },
  columns: { range: [20, 1500, 10], first: 250, unit: " m" },
  lines: { range: [3, 24, 1], first: 10, unit: " px" },
  arcs: { range: [3, 24, 1], first: 10, unit: " px" },
};

const MOST = 12;

/** Those that can be made again from an address: arcs of a file cannot. */
export function encodeThemes(themes: Theming[]): string {
  return themes
    .filter(({ kind }) => kind !== "arcs")
    .map(({ kind, of, layer, ramp, size, measure }) => [kind, of, layer, ramp, size, measure].map((part) => encodeURIComponent(part)).join("~"))
    .join("|");
}

export function decodeThemes(text: string | null): Theming[] {
  const found: Theming[] = [];
  for (const part of (text ?? "").split("|").slice(0, MOST)) {
    const [kind, of, layer, ramp, size, measure] = part.split("~").map(decoded);
    const known = THEME_KINDS.find((each) => each === kind && each !== "arcs");
    if (!known || !of || !ramp || !(ramp in PICTURE_RAMPS)) continue;
    const { range, first } = SIZES[known];
    const number = Number(size);
    const fits = Number.isFinite(number) && number >= range[0] && number <= range[1];
    found.push({ kind: known, of, layer: layer ?? "", ramp: ramp as PictureRamp, size: fits ? number : first, measure: measure === "mean" ? "mean" : "density" });
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
