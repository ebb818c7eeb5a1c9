/** What moves in a city, and thematic pictures over it: the types that pages and the engine share. */

import type { Vec3 } from "./api";

/** By its code in frames; each has a shape of its own. */
export const VEHICLE_KINDS = ["other", "car", "bus", "train", "truck", "drone", "ship", "bicycle", "person"] as const;
export type VehicleKind = (typeof VEHICLE_KINDS)[number];

/** In the place of a kind: it is no longer there. */
export const GONE = 255;

/** Colours of the kinds, and along which vehicles are coloured by speed or code. */
export const KIND_COLOURS = ["#8a93a3", "#3f7fd4", "#e0862b", "#b4472f", "#6d5fa8", "#7a2fb0", "#1f8f87", "#4c9a45", "#c2417f"] as const;
export const SPEED_MOST_M_S = 25;

export type VehicleColours = "kind" | "speed" | "code";

/** Reports of things that move, one a row of all arrays. */
export interface VehicleFrame {
  epoch: number;
  /** All that is there; what it does not list is gone. */
  full: boolean;
  replay: boolean;
  /** The sender's instant, ms. */
  time: number;
  number: Uint32Array;
  /** Age of each report at that instant, ms. */
  age: Int32Array;
  x: Float32Array;
  y: Float32Array;
  z: Float32Array;
  /** 65,536ths of a turn, clockwise from north. */
  heading: Uint16Array;
  /** cm/s; 65,535 = not known. */
  speed: Uint16Array;
  kind: Uint8Array;
  code: Uint8Array;
}

/** A thing that moves as it is drawn now. */
export interface VehicleState {
  number: number;
  kind: VehicleKind;
  point: Vec3;
  heading_deg: number;
  /** As reported; null = not known. */
  speed_m_s: number | null;
  /** Instant of the last report, ms. */
  time: number;
}

export interface Palette {
  /** 256 RGBA entries: 1 to 250 along the ramp. */
  rgba: Uint8Array;
}

/** A heat map on the ground. */
export interface HeatSpec {
  type: "heat";
  /** x, y and weight of each object. */
  points: Float32Array;
  /** Metres within which an object counts: three standard deviations of a Gaussian. */
  radius_m: number;
  /** "density" = sum of the weights per km²; "mean" = mean of the values around. */
  measure: "density" | "mean";
  palette: Palette;
  /** Heights of the ground. */
  ground: GroundGrid | null;
  opacity: number;
}

/** Heights row by row from the south-west, over a rectangle of local metres. */
export interface GroundGrid {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  columns: number;
  rows: number;
  heights: Float32Array;
}

/** A column over each object. */
export interface ColumnsSpec {
  type: "columns";
  /** x, y, z of the foot, and share 0..1 of the highest value, of each object. */
  points: Float32Array;
  width_m: number;
  /** Height of the highest value. */
  height_m: number;
  palette: Palette;
  opacity: number;
}

/** Moving dashes along lines, or over arcs from place to place. */
export interface FlowsSpec {
  type: "flows";
  /** x, y, z of both ends, share 0..1 of the highest value, and metres along the line before it, of each piece. */
  pieces: Float32Array;
  /** Arcs rise by this share of their length; 0 = straight pieces. */
  rise: number;
  /** Pixels of the widest. */
  width_px: number;
  palette: Palette;
  opacity: number;
}

export type PictureSpec = HeatSpec | ColumnsSpec | FlowsSpec;

/** What a picture found out about itself. */
export interface PictureFacts {
  /** Ends of the palette, in the unit of the picture (per km² for a density). */
  low: number;
  high: number;
}

export interface PictureEngine {
  /** Show a picture under a name, in place of what had that name; null removes it. */
  put(name: string, spec: PictureSpec | null): PictureFacts | null;
  /** Take reports of things that move. */
  move(frame: VehicleFrame): void;
  showVehicles(shown: boolean): void;
  colourVehicles(by: VehicleColours): void;
  /** Mark one; null = none. */
  selectVehicle(number: number | null): void;
  /** The camera goes with one; null ends it. */
  followVehicle(number: number | null): void;
  readonly followed: number | null;
  /** As it is drawn now; null = it is not there. */
  vehicle(number: number): VehicleState | null;
  /** Numbers of those that are nearest to a place, nearest first. */
  vehiclesNear(point: Vec3, most: number): number[];
  readonly vehicleCount: number;
  /** Least time between two frames that only things that move ask for, ms. */
  pace_ms: number;
}
