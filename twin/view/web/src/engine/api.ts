/** The seam between the 3D engine and everything around it. The UI and the backends know only these types. */

import type { Drafting, HeightLimit, Measurement, MeasureKind, SectionBox, Skyline, Trench, Viewshed } from "./tool_api";

export type * from "./tool_api";
export type * from "./picture_api";
export type Language = "en" | "zh";
export type Theme = "light" | "dark";
export type Titles = { en: string; zh: string };
/** Local metres: x east, y north, z up. */
export type Vec3 = [number, number, number];
export type Box6 = [number, number, number, number, number, number];

export interface LayerSpec {
  name: string;
  theme: string;
  titles: Titles;
  /** Address of the tileset below `tiles_url`. */
  tileset: string;
  /** First handle and number of objects. */
  base: number;
  count: number;
  visible: boolean;
  opacity: number;
  underground: boolean;
  bounds: Box6 | null;
  source: string;
  /** Of a point cloud. */
  cloud?: CloudSpec | null;
}

export type PointMode = "rgb" | "classes" | "height" | "intensity";

/** What the page is told of a point cloud. */
export interface CloudSpec {
  /** Number of points, and metres between neighbours where they are dense. */
  points: number;
  spacing_m: number;
  /** What the points can be coloured by, and by what they are at first. */
  modes: PointMode[];
  mode: PointMode;
  classes: { code: number; colour: string; titles: Titles; points: number; hidden: boolean }[];
  /** Local heights and intensities between which nearly all points lie. */
  height: [number, number];
  intensity: [number, number] | null;
  /** Ramp of heights: places 0..1 and colours "#rrggbb". */
  stops: [number, string][];
}

/** How the points of a layer are drawn; a size of 1 closes the gaps between neighbours. */
export interface PointLook {
  mode: PointMode;
  size: number;
  hidden: number[];
}

export interface RampLegend {
  type: "ramp";
  min: number;
  max: number;
  /** Places 0..1 and colours "#rrggbb". */
  stops: [number, string][];
}

export interface ClassLegend {
  type: "classes";
  items: { code: number; colour: string; titles: Titles; count?: number }[];
}

export interface OverlaySpec {
  id: number;
  name: string;
  titles: Titles;
  unit: string;
  source: "live" | "field" | "attribute";
  layers: string[];
  legend: RampLegend | ClassLegend;
  /** Base64 of 256 RGBA entries; alpha is the strength of the tint. */
  palette: string;
}

export interface ParameterSpec {
  name: string;
  titles: Titles;
  schema: Record<string, unknown>;
  unit: string;
  default: unknown;
}

export interface SimulationSpec {
  id: string;
  titles: Titles;
  description: Titles;
  parameters: ParameterSpec[];
}

export interface SceneManifest {
  name: string;
  titles: Titles;
  epoch: number;
  count: number;
  origin: {
    longitude: number;
    latitude: number;
    crs: string;
    easting: number;
    northing: number;
    height: number;
    convergence_deg: number;
  };
  bounds: Box6;
  tiles_url: string;
  live_url: string | null;
  layers: LayerSpec[];
  home: { position: Vec3; target: Vec3 } | null;
  language: Language;
  theme: Theme;
  /** ISO 8601 instant for the sun. */
  time: string;
  /** Hours that the city's clocks are ahead of UTC; by longitude when it is left out. */
  utc_offset_h?: number;
  overlays: OverlaySpec[];
  simulations: SimulationSpec[];
  scenarios: { name: string; title: string }[];
  attribution: string[];
  /** Names of places, the most important first. */
  labels?: PlaceLabel[];
  /** Maps that can be laid under the city. */
  basemaps?: BasemapOffer[];
}

/** A map that the server has. */
export interface BasemapOffer {
  name: string;
  titles: Titles;
  /** Whom its makers ask to name, and their page; empty = nobody. */
  attribution: string;
  link: string;
  /** Address of its tiles, `url/zoom/column/row`. */
  url: string;
  /** The square of the plan that is halved again and again. */
  grid: { west: number; north: number; side_m: number };
}

/** A map that the server can show, to its deepest zoom. */
export interface BasemapSpec extends BasemapOffer {
  max_zoom: number;
}

/** How a map is laid: its strength, and whether it also covers land use, water and roads. */
export interface BasemapLook {
  opacity: number;
  over: boolean;
}

export interface PlaceLabel {
  titles: Titles;
  /** The roof of a landmark, the ground elsewhere. */
  point: Vec3;
  /** 0 = seen from far away .. 5 = seen from nearby. */
  rank: number;
  /** "district", "water", "landmark", "bridge" or "road". */
  kind: string;
}

export interface Pick {
  handle: number;
  layer: string;
  point: Vec3;
}

export interface CameraState {
  position: Vec3;
  target: Vec3;
}

export interface SectionPlane {
  /** "z": horizontal cut at a height; "x"/"y": vertical cuts; "free": any azimuth. */
  axis: "x" | "y" | "z" | "free";
  /** Metres along the normal from the scene origin. */
  offset: number;
  azimuth_deg: number;
  flipped: boolean;
}

export interface EngineStats {
  fps: number;
  tilesLoaded: number;
  tilesPending: number;
  triangles: number;
  drawCalls: number;
  gpuMegabytes: number;
  frames: number;
  /** Shader programs whose link a frame had to wait for. */
  latePrograms: number;
}

export interface EngineEvents {
  hover: Pick | null;
  pick: Pick | null;
  /** A click with Shift or Ctrl. */
  pickmore: Pick | null;
  doublepick: Pick;
  /** A click on something that moves: its number. */
  vehicle: number;
  camera: CameraState;
  measure: Measurement | null;
  /** A click on a solid that is drawn or edited: its key. */
  draft: string;
  /** Fired whenever nothing is left to load for the present view. */
  idle: EngineStats;
  stats: EngineStats;
  error: { message: string };
  /** Tiles of the map under the city do not come; said once. */
  basemap: { name: string; message: string };
}

export interface EngineOptions {
  /** Multi-sampling; the engine chooses by device when it is left out. */
  antialias?: boolean;
  /** Replaces `fetch` for tiles (stand-alone pages serve them from memory). */
  fetch?: (url: string) => Promise<Response>;
  theme?: Theme;
}

export interface CityEngine {
  readonly canvas: HTMLCanvasElement;
  readonly drafting: Drafting;
  load(manifest: SceneManifest): Promise<void>;
  /**
   * Shows another version of the city that is loaded: only tiles that changed are fetched, and view, state and light stay.
   * Returns the way from handles of before to those of now, -1 for what is gone.
   */
  renew(manifest: SceneManifest): Promise<(handle: number) => number>;
  dispose(): void;
  resize(): void;
  /** Draws at once and tells of its camera, so that two views that move as one are seen in one frame. */
  drawNow(): void;

  on<K extends keyof EngineEvents>(event: K, listener: (value: EngineEvents[K]) => void): () => void;

  // camera
  camera(): CameraState;
  setCamera(state: CameraState, seconds?: number): void;
  home(seconds?: number): void;
  north(seconds?: number): void;
  top(seconds?: number): void;
  zoom(factor: number): void;
  /** Orbit and pan by keys or buttons: degrees and share of the view. */
  orbit(azimuth_deg: number, elevation_deg: number): void;
  pan(right: number, forward: number): void;
  /** Fly so that the box fills the view. */
  flyTo(box: Box6, seconds?: number): void;
  /** Compass heading of the view, degrees clockwise from true north. */
  heading(): number;
  /**
   * Where points (x, y, z, ...) appear: x and y in CSS pixels from the canvas's upper left corner, and depth 0 (near) .. 1
   * (far), three numbers a point. All three are NaN for a point behind the camera.
   */
  project(points: Float32Array): Float32Array;

  // objects
  select(handles: Iterable<number>): void;
  hide(handles: Iterable<number>, hidden: boolean): void;
  /** Nothing is hidden, isolated or a ghost any more. */
  showAll(): void;
  /** Only these stay solid; the rest turns into ghosts. Empty = normal. */
  isolate(handles: Iterable<number>): void;
  /** Exactly these turn into ghosts that one looks and picks through. */
  ghost(handles: Iterable<number>): void;
  pickAt(clientX: number, clientY: number): Promise<Pick | null>;
  /** Handles, ascending, of all that can be seen within a closed shape of the page (clientX, clientY of its corners). */
  within(shape: [number, number][]): Uint32Array;
  /** Point of whatever is seen at a place of the page; null = the sky. */
  surfaceAt(clientX: number, clientY: number): Promise<Vec3 | null>;

  // layers
  setLayerVisible(name: string, visible: boolean): void;
  setLayerOpacity(name: string, opacity: number): void;
  /** How the points of a cloud are drawn; nothing happens to other layers. */
  setPoints(name: string, look: PointLook): void;
  /** 0 = solid ground .. 1 = ground gone; pipes and the like show through. */
  setUnderground(amount: number): void;

  // overlay by codes
  setOverlay(overlay: OverlaySpec | null): void;
  /** Every handle's code, or those of some handles. */
  setCodes(codes: Uint8Array): void;
  setCodesOf(handles: Uint32Array, codes: Uint8Array): void;
  codeOf(handle: number): number;
  /**
   * A result surface (glb bytes with COLOR_0) drawn over the scene; null removes it. With `first` its feature ids are
   * those of objects, which count from that handle and are part of the city.
   */
  setSurface(name: string, glb: ArrayBuffer | null, first?: number | null): Promise<void>;

  // map under the city
  setBasemap(spec: BasemapSpec | null): void;
  setBasemapLook(look: BasemapLook): void;

  // light
  setTime(iso: string): void;
  setShadows(on: boolean): void;
  sun(): { azimuth_deg: number; elevation_deg: number };
  setTheme(theme: Theme): void;

  // tools
  startMeasure(kind: MeasureKind): void;
  stopMeasure(): void;
  clearMeasures(): void;
  removeMeasure(id: number): void;
  /** A point in the middle of the picture, as by a click there. */
  measureHere(): Promise<void>;
  undoMeasure(): Promise<void>;
  /** Ends a line or a shape, as by a double click. */
  endMeasure(): Promise<void>;
  /** Another base plane for a finished volume; "measure" tells its new value. */
  setMeasureBase(id: number, base_m: number): void;
  /** Eyes at a person's height above a point; then steps, until it ends. Cameras that are set meanwhile end nothing. */
  walkFrom(point: Vec3): void;
  /** False when a wall stops it. */
  walk(right_m: number, forward_m: number): boolean;
  lookAround(turn_deg: number, tilt_deg: number): void;
  endWalk(): void;
  /** For each point, the metres in plan to what hides it in the present picture; 0 = it is seen, or outside the picture. */
  covering(points: Float32Array): Promise<Float32Array>;
  /** What someone who stands at a point sees of the surfaces around, drawn over them until it is cleared. */
  viewshed(point: Vec3, radius_m: number): Viewshed;
  clearViewshed(): void;
  /** What stands highest in every direction from an eye; degrees clockwise from true north. */
  skyline(eye: Vec3, start_deg: number, span_deg: number): Skyline;
  /**
   * A body of glass over a footprint, between two local heights, and what stands out of it; its top rises by `slope`
   * (metres a metre) away from the first edge of the footprint.
   */
  limitHeight(corners: Vec3[], base_m: number, top_m: number, slope?: number): HeightLimit;
  clearLimit(): void;
  /** A plane and a box may cut at once; closed shapes are filled where they are cut. */
  setSection(plane: SectionPlane | null): void;
  setSectionBox(box: SectionBox | null): void;
  /** Opens the ground along a line; null closes it. */
  setTrench(trench: Trench | null): void;

  /** PNG of the present view. */
  snapshot(): Promise<Blob>;
  /** Another picture of the present view, of a size of its own and with all tiles that it needs; and where points lie in it. */
  picture(width: number, height: number, points?: Float32Array): Promise<{ image: ImageBitmap; places: Float32Array }>;
  stats(): EngineStats;
  /** What moves, and thematic pictures. */
  readonly pictures: import("./picture_api").PictureEngine;
  requestFrame(): void;
}

export type CreateEngine = (container: HTMLElement, options?: EngineOptions) => CityEngine;

/** What a page needs from whoever holds the data: the Python server or a stand-alone file. */
export interface Backend {
  /** `language` = of the sentence, should there be an error. */
  ask(method: string, params: Record<string, unknown>, language?: string): Promise<unknown>;
  emit(name: string, data: unknown): void;
  /** Messages pushed to the page: {op: ...}; binary members arrive as ArrayBuffer or typed arrays. */
  onMessage(listener: (message: Record<string, unknown>) => void): void;
  /** Whether there is no server that could keep anything. */
  readonly alone?: boolean;
  fetch?: (url: string) => Promise<Response>;
}
