/** What was drawn and what is to be edited, and the typed edits and files that come of it. Nothing here knows a page. */

import type { Vec3 } from "../engine/api";
import { middleOf, type Point } from "../engine/footprint";

export type Plain = string | number | boolean | null;

/** How a thing differs from its shape: it is stretched and scaled, then turned, about its pivot, then moved. */
export interface Placement {
  dx_m: number;
  dy_m: number;
  dz_m: number;
  /** Anticlockwise. */
  turn_deg: number;
  /** Of lengths in plan. */
  factor: number;
  height_m: number;
}

export interface DraftMesh {
  /** x, y, z after each other, relative to the pivot. */
  positions: Float32Array;
  triangles: Uint32Array;
}

export interface Draft {
  key: string;
  origin: "drawn" | "copy" | "existing";
  /** Of an object that is there already; empty and -1 otherwise. */
  uid: string;
  handle: number;
  name: string;
  kind: string;
  layer: string;
  theme: string;
  attributes: Record<string, Plain>;
  /** Footprint in local metres, the outer ring first; empty where there is none. */
  rings: Point[][];
  pivot: Vec3;
  /** From the foot, which is the pivot's height, to the top. */
  tall_m: number;
  /** Height as its attribute says, which may differ: a roof that counts or does not. */
  first_height_m: number;
  first_name: string;
  mesh: DraftMesh | null;
  placement: Placement;
  removed: boolean;
}

const RAD = Math.PI / 180;
const NOTHING = 1e-6;

export function unplaced(height_m: number): Placement {
  return { dx_m: 0, dy_m: 0, dz_m: 0, turn_deg: 0, factor: 1, height_m };
}

/** A building from a footprint that was drawn. */
export function drawn(key: string, ring: Point[], base_m: number, height_m: number, layer: string, name: string, attributes: Record<string, Plain> = {}): Draft {
  const [x, y] = middleOf(ring);
  const shape = { rings: [ring], pivot: [x, y, base_m] as Vec3, tall_m: height_m, first_height_m: height_m, mesh: null };
  return { key, origin: "drawn", uid: "", handle: -1, name, first_name: name, kind: "Building", layer, theme: "buildings", attributes, ...shape, placement: unplaced(height_m), removed: false };
}

/** Vertical factor of a placement. */
export function stretchOf({ tall_m, first_height_m, placement }: Draft): number {
  return tall_m > 0 ? (tall_m + placement.height_m - first_height_m) / tall_m : 1;
}

/** Column-major 4 x 4 matrix from places relative to the pivot to local metres. */
export function matrixOf(draft: Draft): number[] {
  const { placement: by, pivot } = draft;
  const cos = by.factor * Math.cos(by.turn_deg * RAD);
  const sin = by.factor * Math.sin(by.turn_deg * RAD);
  return [cos, sin, 0, 0, -sin, cos, 0, 0, 0, 0, stretchOf(draft), 0, pivot[0] + by.dx_m, pivot[1] + by.dy_m, pivot[2] + by.dz_m, 1];
}

/** A place in plan after the placement. */
export function placed(draft: Draft, [x, y]: Point): Point {
  const [a, b, , , c, d, , , , , , , e, f] = matrixOf(draft) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number];
  const [dx, dy] = [x - draft.pivot[0], y - draft.pivot[1]];
  return [a * dx + c * dy + e, b * dx + d * dy + f];
}

export function placedRings(draft: Draft): Point[][] {
  return draft.rings.map((ring) => ring.map((point) => placed(draft, point)));
}

/** Where it stands now: the pivot after the moves. */
export function standing({ pivot, placement }: Draft): Vec3 {
  return [pivot[0] + placement.dx_m, pivot[1] + placement.dy_m, pivot[2] + placement.dz_m];
}

/** Greatest distance in plan from the pivot, metres, after scaling. */
export function reachOf(draft: Draft): number {
  const ring = draft.rings[0];
  let most = 1;
  if (ring?.length) for (const [x, y] of ring) most = Math.max(most, Math.hypot(x - draft.pivot[0], y - draft.pivot[1]));
  else if (draft.mesh) for (let i = 0; i + 2 < draft.mesh.positions.length; i += 3) most = Math.max(most, Math.hypot(draft.mesh.positions[i] as number, draft.mesh.positions[i + 1] as number));
  return most * draft.placement.factor;
}

/** Whether an object of the city is other than it was. */
export function isChanged(draft: Draft): boolean {
  const { placement: by } = draft;
  return draft.removed || draft.origin !== "existing" || draft.name !== draft.first_name || moves(by) || turns(by) || Math.abs(by.factor - 1) > NOTHING || raises(draft);
}

const moves = (by: Placement): boolean => Math.max(Math.abs(by.dx_m), Math.abs(by.dy_m), Math.abs(by.dz_m)) > NOTHING;
const turns = (by: Placement): boolean => Math.abs(((((by.turn_deg + 180) % 360) + 360) % 360) - 180) > NOTHING;
const raises = ({ placement, first_height_m }: Draft): boolean => Math.abs(placement.height_m - first_height_m) > NOTHING;

/** Whether it must be drawn in place of the object. */
export function isReshaped(draft: Draft): boolean {
  return isChanged({ ...draft, name: draft.first_name });
}

/** Whether a mesh is no more than its footprint raised: all points at the foot or the top, and above a corner of it. */
export function isPrism(draft: Draft): boolean {
  const { mesh, rings, tall_m, pivot } = draft;
  if (!mesh || rings.length === 0) return false;
  const near = 0.02;
  const corners = rings.flat().map(([x, y]) => [x - pivot[0], y - pivot[1]] as Point);
  for (let i = 0; i + 2 < mesh.positions.length; i += 3) {
    const [x, y, z] = [mesh.positions[i] as number, mesh.positions[i + 1] as number, mesh.positions[i + 2] as number];
    if (Math.abs(z) > near && Math.abs(z - tall_m) > near) return false;
    if (!corners.some((corner) => Math.abs(corner[0] - x) < near && Math.abs(corner[1] - y) < near)) return false;
  }
  return true;
}

const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** Typed edits (`twin.whatif.edits`) that make the drafts part of a scenario. */
export function editsOf(drafts: readonly Draft[]): Record<string, unknown>[] {
  return drafts.flatMap((draft) => (draft.origin === "existing" ? changesOf(draft) : draft.removed ? [] : [additionOf(draft)]));
}

function additionOf(draft: Draft): Record<string, unknown> {
  const { kind, layer, theme, name, attributes, placement } = draft;
  const told = { type: "add_object", kind, layer, theme, name, attributes, height_m: round(placement.height_m) };
  if (!draft.mesh) {
    const footprint = placedRings(draft).map((ring) => ring.map(([x, y]) => [round(x), round(y)]));
    return { ...told, footprint, base_z_m: round(standing(draft)[2]) };
  }
  const m = matrixOf(draft) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number];
  const { positions, triangles } = draft.mesh;
  const points = Array.from({ length: positions.length / 3 }, (_, i) => {
    const [x, y, z] = [positions[i * 3] as number, positions[i * 3 + 1] as number, positions[i * 3 + 2] as number];
    return [round(m[0] * x + m[4] * y + m[12]), round(m[1] * x + m[5] * y + m[13]), round(m[10] * z + m[14])];
  });
  const faces = Array.from({ length: triangles.length / 3 }, (_, i) => [...triangles.subarray(i * 3, i * 3 + 3)]);
  return { ...told, positions: points, triangles: faces };
}

function changesOf(draft: Draft): Record<string, unknown>[] {
  const { uid, placement: by } = draft;
  if (draft.removed) return [{ type: "remove_object", uid }];
  const edits: Record<string, unknown>[] = [];
  if (moves(by) || turns(by)) edits.push({ type: "move_object", uid, dx_m: round(by.dx_m), dy_m: round(by.dy_m), dz_m: round(by.dz_m), turn_deg: round(by.turn_deg) });
  if (Math.abs(by.factor - 1) > NOTHING) edits.push({ type: "scale_object", uid, factor: round(by.factor, 6) });
  if (raises(draft)) edits.push({ type: "set_attribute", uid, name: "height_m", value: round(by.height_m) });
  if (draft.name !== draft.first_name) edits.push({ type: "set_attribute", uid, name: "name", value: draft.name });
  return edits;
}

export interface Frame {
  crs: string;
  easting: number;
  northing: number;
  height: number;
}

/** A GeoJSON file of the footprints in the city's own coordinate system, which its `crs` member names. */
export function geoJsonOf(drafts: readonly Draft[], frame: Frame): string {
  const code = /^EPSG:(\d+)$/i.exec(frame.crs)?.[1];
  const features = drafts
    .filter((draft) => isChanged(draft) && draft.rings.length > 0 && !(draft.removed && draft.origin !== "existing"))
    .map((draft) => ({
      type: "Feature",
      ...(draft.uid ? { id: draft.uid } : {}),
      properties: {
        ...draft.attributes,
        name: draft.name,
        kind: draft.kind,
        action: draft.removed ? "remove" : draft.origin === "existing" ? "change" : "add",
        height_m: round(draft.placement.height_m),
        base_m: round(standing(draft)[2] + frame.height),
      },
      geometry: {
        type: "Polygon",
        coordinates: placedRings(draft).map((ring) => [...ring, ring[0] as Point].map(([x, y]) => [round(x + frame.easting), round(y + frame.northing)])),
      },
    }));
  const crs = { type: "name", properties: { name: code ? `urn:ogc:def:crs:EPSG::${code}` : frame.crs } };
  return JSON.stringify({ type: "FeatureCollection", crs, features }, null, 1);
}
