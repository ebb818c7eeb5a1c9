/** The form in which a browser keeps drawings that are in no variant yet: checked when it is read. Nothing here knows a page. */
import type { Vec3 } from "../engine/api";
import type { Point } from "../engine/footprint";
import { type Draft, type DraftMesh, type Placement, type Plain, unplaced } from "./draft_model";

const VERSION = 1;
const MOST_DRAFTS = 2000;
const MOST_NUMBERS = 2_000_000;
const LONGEST = 2000;

/** What is kept: the drafts that would make a difference, and the corners of a footprint that is not closed. */
export interface StoredDrafts {
  /** Of the city, as `cityKey` says. */
  city: string;
  /** When it was kept, milliseconds since 1970. */
  time: number;
  drafts: Draft[];
  corners: Vec3[];
  rising: boolean;
}

export function writeDrafts({ city, time, drafts, corners, rising }: StoredDrafts): string {
  return JSON.stringify({ version: VERSION, city, time, drafts: drafts.map(written), corners, rising });
}

/** Objects of the city are asked for again, so that their shapes need no room. */
function written({ handle: _, mesh, ...draft }: Draft): Record<string, unknown> {
  if (draft.origin === "existing") return { ...draft, rings: [], attributes: {}, mesh: null };
  return { ...draft, mesh: mesh && { positions: base64(mesh.positions), triangles: base64(mesh.triangles) } };
}

/** Reads it back; null for another city or for a version that a later page wrote. Throws a sentence where it is broken. */
export function readDrafts(text: string, city: string): StoredDrafts | null {
  const told = record(JSON.parse(text), "the entry");
  if (told.city !== city || (typeof told.version === "number" && told.version > VERSION)) return null;
  if (told.version !== VERSION) throw new Error("the entry has no version");
  return {
    city,
    time: number(told.time, "time"),
    drafts: list(told.drafts, "drafts", MOST_DRAFTS).map((each, i) => draft(each, `draft ${i + 1}`)),
    corners: list(told.corners, "corners", MOST_DRAFTS).map((each, i) => vector(each, `corner ${i + 1}`)),
    rising: told.rising === true,
  };
}

function draft(value: unknown, what: string): Draft {
  const told = record(value, what);
  const { origin, mesh } = told;
  if (origin !== "drawn" && origin !== "copy" && origin !== "existing") throw new Error(`${what}: origin is unknown`);
  const uid = string(told.uid, `${what}: uid`);
  if ((origin === "existing") !== (uid !== "")) throw new Error(`${what}: uid does not suit its origin`);
  const first_height_m = number(told.first_height_m, `${what}: first_height_m`);
  return {
    key: uid,
    origin,
    uid,
    handle: -1,
    name: string(told.name, `${what}: name`),
    first_name: string(told.first_name, `${what}: first_name`),
    kind: string(told.kind, `${what}: kind`),
    layer: string(told.layer, `${what}: layer`),
    theme: string(told.theme, `${what}: theme`),
    attributes: attributes(told.attributes, what),
    rings: list(told.rings, `${what}: rings`, MOST_DRAFTS).map((ring) => list(ring, `${what}: ring`, MOST_NUMBERS).map((point) => plane(point, `${what}: ring`))),
    pivot: vector(told.pivot, `${what}: pivot`),
    tall_m: number(told.tall_m, `${what}: tall_m`),
    first_height_m,
    mesh: mesh === null ? null : meshOf(mesh, `${what}: mesh`),
    placement: placement(told.placement, first_height_m, `${what}: placement`),
    removed: told.removed === true,
  };
}

function placement(value: unknown, height_m: number, what: string): Placement {
  const told = record(value, what);
  const names = Object.keys(unplaced(height_m)) as (keyof Placement)[];
  return Object.fromEntries(names.map((name) => [name, number(told[name], `${what}: ${name}`)])) as unknown as Placement;
}

function meshOf(value: unknown, what: string): DraftMesh {
  const told = record(value, what);
  const positions = new Float32Array(bytes(told.positions, what));
  const triangles = new Uint32Array(bytes(told.triangles, what));
  const count = positions.length / 3;
  if (!Number.isInteger(count) || triangles.length % 3 !== 0 || !positions.every(Number.isFinite) || triangles.some((corner) => corner >= count)) throw new Error(`${what}: it is no mesh`);
  return { positions, triangles };
}

function attributes(value: unknown, what: string): Record<string, Plain> {
  const plain = (each: unknown): each is Plain => each === null || ["string", "number", "boolean"].includes(typeof each);
  return Object.fromEntries(Object.entries(record(value, `${what}: attributes`)).filter((pair): pair is [string, Plain] => plain(pair[1])));
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Error(`${what}: not a list of at most ${most}`);
  return value;
}

function number(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error(`${what}: not a number`);
  return value;
}

function string(value: unknown, what: string): string {
  if (typeof value !== "string" || value.length > LONGEST) throw new Error(`${what}: not a text of at most ${LONGEST} characters`);
  return value;
}

function plane(value: unknown, what: string): Point {
  const [x, y] = list(value, what, 3);
  return [number(x, what), number(y, what)];
}

function vector(value: unknown, what: string): Vec3 {
  const [x, y, z] = list(value, what, 3);
  return [number(x, what), number(y, what), number(z, what)];
}

function base64(numbers: Float32Array | Uint32Array): string {
  const all = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  let letters = "";
  for (let at = 0; at < all.length; at += 8192) letters += String.fromCharCode(...all.subarray(at, at + 8192));
  return btoa(letters);
}

function bytes(value: unknown, what: string): ArrayBuffer {
  if (typeof value !== "string") throw new Error(`${what}: not a text`);
  const letters = atob(value);
  if (letters.length % 4 !== 0) throw new Error(`${what}: it is cut off`);
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer;
}
