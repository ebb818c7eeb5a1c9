/** Shapes of the answers that a backend gives. */
import type { Box6, OverlaySpec, Titles, Vec3 } from "../engine/api";

export interface ObjectLink {
  handle: number;
  name: string;
  kind: string;
  kind_titles?: Titles;
  uid?: string;
}

export interface Property {
  name: string;
  value: unknown;
  unit?: string;
  titles?: Titles;
}

export interface StreamValue {
  id: string;
  name: string;
  titles: Titles;
  unit: string;
  value: number | null;
  /** Milliseconds of the phenomenon time. */
  time: number | null;
  quality: number;
  age_s: number | null;
}

export interface RelationGroup {
  kind: string;
  outgoing: boolean;
  titles: Titles;
  count: number;
  items: (ObjectLink & { role: string })[];
}

export interface ObjectProperties {
  uid: string;
  handle: number;
  layer: string;
  kind: string;
  kind_titles: Titles;
  name: string;
  parent: ObjectLink | null;
  /** From the root down to the parent. */
  path: ObjectLink[];
  children: ObjectLink[];
  children_count: number;
  /** By kind and way, with the first few of each. */
  relations: RelationGroup[];
  attributes: Property[];
  groups: { name: string; items: Property[] }[];
  aliases: { scheme: string; value: string }[];
  bounds: Box6 | null;
  source: string;
  streams: StreamValue[];
}

export interface SearchHit {
  handle: number;
  uid: string;
  name: string;
  kind: string;
  kind_titles: Titles;
  layer: string;
  point: Vec3 | null;
}

/** A column of attributes that all objects of some layers have. */
export interface ColumnSpec {
  name: string;
  titles: Titles;
  unit: string;
  type: "number" | "text";
  layers: string[];
}

export interface TableAnswer {
  columns: Pick<ColumnSpec, "name" | "titles" | "unit">[];
  rows: (Required<ObjectLink> & { layer: string; values: unknown[] })[];
}

export interface Series {
  stream: string;
  titles: Titles;
  unit: string;
  t: number[];
  v: (number | null)[];
  q: number[];
}

/** One output of a simulation as an overlay. */
export interface ResultOverlay extends OverlaySpec {
  /** Name of the output. */
  port: string;
  /** Whether it is drawn as a surface of its own. */
  surface: boolean;
}

export interface SimulationResult {
  /** Its number among the results of the city; none for the sides of a comparison. */
  id?: number;
  /** Number of the result whose place it took. */
  replaces?: number | null;
  /** Which of what it was computed on has become another one since. */
  stale: "" | "city" | "scenario";
  /** What it was asked for with. */
  inputs?: Record<string, unknown>;
  name: string;
  titles: Titles;
  scenario: string;
  overlays: ResultOverlay[];
  kpis: { name: string; titles: Titles; value: number | string | boolean | null; unit: string }[];
  checks: { name: string; passed: boolean; message: string; titles?: Titles; messages?: Titles }[];
  trusted: boolean;
  provenance: Record<string, unknown>;
}

export interface ComparedObject {
  uid: string;
  /** Handle in the city; null for an object that only the scenario has. */
  handle: number | null;
  name: string;
}

export interface ComparedFigure {
  name: string;
  titles: Titles;
  unit: string;
  base: number | string | boolean | null;
  variant: number | string | boolean | null;
  change: number | null;
  /** Says how the figures were made, not what they mean for the city. */
  technical: boolean;
}

export interface ComparisonResult {
  base: SimulationResult;
  variant: SimulationResult;
  kpis: ComparedFigure[];
  newly_below: ComparedObject[];
  newly_above: ComparedObject[];
  below_count: number;
  above_count: number;
  trusted: boolean;
}

export interface FeedStatus {
  name: string;
  state: "up" | "old" | "down";
  message: string;
  messages?: Titles;
  age_s: number | null;
}

/** Turns Maps, which some transports make of dictionaries, into plain objects. */
export function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === "string") return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  throw new TypeError("the message carries no bytes");
}
