/** What the view shows, and its short form in the address: enough to restore it on another screen. */
import type { CameraState, Language, PointLook, PointMode, SectionBox, SectionPlane, Theme } from "../engine/api";
import type { Trench } from "../engine/tool_api";
import type { ChosenBasemap } from "./basemaps";
import { type Compared, decodeCompared, encodeCompared } from "./compared";
import type { VehicleColours } from "../engine/picture_api";
import { decodeStyle, encodeStyle, type Style } from "./styling";
import { decodeThemes, encodeThemes, type Theming } from "./theming";

export interface ViewState {
  camera: CameraState | null;
  /** uid of the selected object. */
  selection: string | null;
  hidden: string[];
  shown: string[];
  opacity: Record<string, number>;
  /** How point clouds are drawn, where it was changed. */
  points: Record<string, PointLook>;
  /** Name of the overlay; null = original colours, undefined = the scene's own choice. */
  overlay: string | null | undefined;
  /** Colours by an attribute that were chosen on this page. */
  style: Style | null;
  /** Name of the scenario; null = the city as it is. */
  scenario: string | null;
  time: string | null;
  section: SectionPlane | null;
  box: SectionBox | null;
  underground: number;
  /** A trench through the ground. */
  trench: Trench | null;
  shadows: boolean;
  /** How what moves is coloured; "none" = it is not shown. */
  vehicles: VehicleColours | "none";
  /** ISO 8601 instant that live values and what moves are shown of; null = now. */
  past: string | null;
  /** Thematic pictures that stand. */
  themes: Theming[];
  /** Names of places are written over the picture. */
  labels: boolean;
  language: Language | null;
  theme: Theme | null;
  /** Views that are compared. */
  compare: Compared | null;
  /** The map under the city; null = its own ground alone. */
  basemap: ChosenBasemap | null;
}

export const EMPTY: ViewState = {
  camera: null,
  selection: null,
  hidden: [],
  shown: [],
  opacity: {},
  points: {},
  overlay: undefined,
  style: null,
  scenario: null,
  time: null,
  section: null,
  box: null,
  underground: 0,
  trench: null,
  shadows: true,
  vehicles: "kind",
  past: null,
  themes: [],
  labels: true,
  language: null,
  theme: null,
  compare: null,
  basemap: null,
};

const VEHICLES = ["kind", "speed", "code", "none"] as const;

const round = (value: number, digits = 2): string => String(Number(value.toFixed(digits)));

export function encode(state: ViewState): string {
  const query = new URLSearchParams();
  if (state.camera) query.set("c", [...state.camera.position, ...state.camera.target].map((v) => round(v)).join(","));
  if (state.selection) query.set("s", state.selection);
  if (state.hidden.length) query.set("h", state.hidden.join(","));
  if (state.shown.length) query.set("v", state.shown.join(","));
  const opacities = Object.entries(state.opacity).map(([name, value]) => `${name}:${round(value)}`);
  if (opacities.length) query.set("o", opacities.join(","));
  const looks = Object.entries(state.points).map(([name, { mode, size, hidden }]) => [name, mode, round(size), ...hidden].join(":"));
  if (looks.length) query.set("p", looks.join(","));
  if (state.overlay !== undefined) query.set("y", state.overlay ?? "");
  if (state.style) query.set("q", encodeStyle(state.style));
  if (state.scenario) query.set("b", state.scenario);
  if (state.time) query.set("t", state.time);
  if (state.section) {
    const { axis, offset, azimuth_deg, flipped } = state.section;
    query.set("x", [axis, round(offset), round(azimuth_deg, 1), flipped ? 1 : 0].join(","));
  }
  if (state.box) query.set("r", [...state.box.centre, ...state.box.half, state.box.azimuth_deg].map((v) => round(v)).join(","));
  if (state.underground > 0) query.set("u", round(state.underground));
  if (state.trench) query.set("tr", [...state.trench.from, ...state.trench.to, state.trench.width_m, state.trench.depth_m].map((v) => round(v)).join(","));
  if (!state.shadows) query.set("d", "0");
  if (!state.labels) query.set("n", "0");
  if (state.vehicles !== "kind") query.set("ve", state.vehicles);
  if (state.past) query.set("at", state.past);
  const themes = encodeThemes(state.themes);
  if (themes) query.set("th", themes);
  if (state.language) query.set("l", state.language);
  if (state.theme) query.set("m", state.theme);
  if (state.basemap) query.set("map", [state.basemap.name, round(state.basemap.opacity), state.basemap.over ? 1 : 0].join(","));
  encodeCompared(state.compare, query);
  return query.toString();
}

export function decode(hash: string): ViewState {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const list = (key: string): string[] => (query.get(key) ?? "").split(",").filter(Boolean);
  const language = query.get("l");
  const theme = query.get("m");
  const time = query.get("t");
  return {
    camera: camera(list("c").map(Number)),
    selection: query.get("s"),
    hidden: list("h"),
    shown: list("v"),
    opacity: opacities(list("o")),
    points: points(list("p")),
    overlay: query.has("y") ? query.get("y") || null : undefined,
    style: decodeStyle(query.get("q")),
    scenario: query.get("b") || null,
    time: time && !Number.isNaN(Date.parse(time)) ? time : null,
    section: section(list("x")),
    box: box(list("r").map(Number)),
    underground: fraction(query.get("u"), 0),
    trench: trench(list("tr").map(Number)),
    shadows: query.get("d") !== "0",
    vehicles: VEHICLES.find((each) => each === query.get("ve")) ?? "kind",
    past: Number.isNaN(Date.parse(query.get("at") ?? "")) ? null : query.get("at"),
    themes: decodeThemes(query.get("th")),
    labels: query.get("n") !== "0",
    language: language === "zh" || language === "en" ? language : null,
    theme: theme === "dark" || theme === "light" ? theme : null,
    compare: decodeCompared(query),
    basemap: basemap(list("map")),
  };
}

function camera(numbers: number[]): CameraState | null {
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return null;
  const [px, py, pz, tx, ty, tz] = numbers as [number, number, number, number, number, number];
  return { position: [px, py, pz], target: [tx, ty, tz] };
}

function trench(numbers: number[]): Trench | null {
  if (numbers.length !== 8 || !numbers.every(Number.isFinite)) return null;
  const [ax, ay, az, bx, by, bz, width_m, depth_m] = numbers as [number, number, number, number, number, number, number, number];
  return width_m > 0 && depth_m > 0 ? { from: [ax, ay, az], to: [bx, by, bz], width_m, depth_m } : null;
}

function opacities(parts: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const part of parts) {
    const [name, value] = part.split(":");
    if (name && value !== undefined) found[name] = fraction(value, 1);
  }
  return found;
}

const POINT_MODES: readonly string[] = ["rgb", "classes", "height", "intensity"] satisfies PointMode[];

function points(parts: string[]): Record<string, PointLook> {
  const found: Record<string, PointLook> = {};
  for (const part of parts) {
    const [name, mode, size, ...hidden] = part.split(":");
    if (!name || !mode || !POINT_MODES.includes(mode)) continue;
    const codes = hidden.map(Number).filter((code) => Number.isInteger(code) && code >= 0 && code < 256);
    found[name] = { mode: mode as PointMode, size: Math.min(8, Math.max(0.1, finite(size) || 1)), hidden: codes };
  }
  return found;
}

function section(parts: string[]): SectionPlane | null {
  const [axis, offset, azimuth, flipped] = parts;
  if (axis !== "x" && axis !== "y" && axis !== "z" && axis !== "free") return null;
  return { axis, offset: finite(offset), azimuth_deg: finite(azimuth), flipped: flipped === "1" };
}

function box(numbers: number[]): SectionBox | null {
  if (numbers.length !== 7 || !numbers.every(Number.isFinite)) return null;
  const [x, y, z, dx, dy, dz, azimuth_deg] = numbers as [number, number, number, number, number, number, number];
  return Math.min(dx, dy, dz) > 0 ? { centre: [x, y, z], half: [dx, dy, dz], azimuth_deg } : null;
}

function basemap([name, opacity, over]: string[]): ChosenBasemap | null {
  return name ? { name, opacity: fraction(opacity ?? null, 1), over: over !== "0" } : null;
}

function finite(text: string | undefined): number {
  const value = Number(text);
  return Number.isFinite(value) ? value : 0;
}

function fraction(text: string | null, otherwise: number): number {
  const value = text === null || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : otherwise;
}
