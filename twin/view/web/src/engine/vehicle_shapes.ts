/** Shapes of things that move: three six-sided bodies each, so that one draw call holds every kind. The first is seen from afar. */

import { DataTexture, FloatType, NearestFilter, RGBAFormat } from "three";
import { VEHICLE_KINDS, type VehicleKind } from "./picture_api";

/** Corners of a shape, and what holds them together. */
export const CORNERS = 24;
export const BODY_CORNERS = 8;

/** Paint of a body: the colour of the vehicle, dark glass, or light trim. */
type Paint = 0 | 1 | 2;

/** Length along y (forward) from..to, width and height from..to; the top may be shorter and narrower than the foot. */
interface Body {
  y: [number, number];
  z: [number, number];
  width: number;
  /** Of the top: how much shorter behind and in front, metres, and its width. */
  behind?: number;
  front?: number;
  top?: number;
  /** Width of the front end, for bows and noses. */
  nose?: number;
  paint: Paint;
}

const SHAPES: Record<VehicleKind, Body[]> = {
  other: [{ y: [-1.5, 1.5], z: [0.2, 1.8], width: 1.8, nose: 0.6, paint: 0 }],
  car: [
    { y: [-2.2, 2.2], z: [0.25, 0.85], width: 1.8, front: 0.15, behind: 0.05, paint: 0 },
    { y: [-1.7, 1.0], z: [0.85, 1.45], width: 1.7, front: 0.75, behind: 0.45, top: 1.35, paint: 1 },
  ],
  bus: [
    { y: [-6, 6], z: [0.3, 1.4], width: 2.5, paint: 0 },
    { y: [-5.95, 5.95], z: [1.4, 2.5], width: 2.45, front: 0.15, paint: 1 },
    { y: [-5.9, 5.8], z: [2.5, 3.0], width: 2.45, top: 2.2, paint: 0 },
  ],
  train: [
    { y: [-12, 12], z: [0.4, 1.9], width: 2.8, paint: 0 },
    { y: [-12, 12], z: [1.9, 3.0], width: 2.75, front: 0.8, behind: 0.8, paint: 1 },
    { y: [-11.2, 11.2], z: [3.0, 3.6], width: 2.7, top: 2.0, paint: 2 },
  ],
  truck: [
    { y: [-5, 2.4], z: [0.9, 3.5], width: 2.5, paint: 2 },
    { y: [2.7, 5], z: [0.4, 2.9], width: 2.4, front: 0.4, paint: 0 },
    { y: [-5, 2.7], z: [0.4, 0.9], width: 1.4, paint: 1 },
  ],
  drone: [
    { y: [-1.6, 1.6], z: [0.05, 0.2], width: 0.3, paint: 0 },
    { y: [-0.5, 0.5], z: [-0.2, 0.3], width: 0.7, top: 0.4, paint: 1 },
    { y: [-0.15, 0.15], z: [0.05, 0.2], width: 3.2, paint: 0 },
  ],
  ship: [
    { y: [-24, 24], z: [-1, 4], width: 9, nose: 0.8, paint: 0 },
    { y: [-20, -11], z: [4, 11], width: 7.5, front: 1.2, paint: 2 },
    { y: [-10, 15], z: [4, 5.6], width: 6.5, paint: 1 },
  ],
  bicycle: [
    { y: [-0.85, 0.85], z: [0.05, 0.7], width: 0.08, paint: 1 },
    { y: [-0.3, 0.2], z: [0.8, 1.7], width: 0.45, top: 0.25, paint: 0 },
  ],
  person: [
    { y: [-0.15, 0.15], z: [0, 0.85], width: 0.35, paint: 1 },
    { y: [-0.15, 0.15], z: [0.85, 1.45], width: 0.5, paint: 0 },
    { y: [-0.12, 0.12], z: [1.47, 1.75], width: 0.24, paint: 2 },
  ],
};

/** Lengths in metres, by kind. */
export const LENGTHS: readonly number[] = VEHICLE_KINDS.map((kind) => {
  const ends = SHAPES[kind].flatMap((body) => body.y);
  return Math.max(...ends) - Math.min(...ends);
});

/** One row of corners a kind: x right, y forward, z up, and the paint. */
export function shapeTexture(): DataTexture {
  const data = new Float32Array(CORNERS * VEHICLE_KINDS.length * 4);
  VEHICLE_KINDS.forEach((kind, row) => {
    SHAPES[kind].forEach((body, place) => {
      cornersOf(body).forEach((corner, i) => data.set([...corner, body.paint], (row * CORNERS + place * BODY_CORNERS + i) * 4));
    });
  });
  const texture = new DataTexture(data, CORNERS, VEHICLE_KINDS.length, RGBAFormat, FloatType);
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}

/** The triangles of three bodies over their corners. */
export function shapeIndex(): number[] {
  // Corners of a body: below and above, each from behind left against the clock as seen from above.
  const faces = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]];
  const body = faces.flatMap(([a, b, c, d]) => [a, b, c, a, c, d] as number[]);
  return [0, 1, 2].flatMap((place) => body.map((corner) => corner + place * BODY_CORNERS));
}

function cornersOf(body: Body): [number, number, number][] {
  const [y0, y1] = body.y;
  const [z0, z1] = body.z;
  const half = body.width / 2;
  const nose = (body.nose ?? body.width) / 2;
  const narrow = (body.top ?? body.width) / body.width;
  const ring = (z: number, behind: number, front: number, share: number): [number, number, number][] => [
    [-half * share, y0 + behind, z],
    [half * share, y0 + behind, z],
    [nose * share, y1 - front, z],
    [-nose * share, y1 - front, z],
  ];
  return [...ring(z0, 0, 0, 1), ...ring(z1, body.behind ?? 0, body.front ?? 0, narrow)];
}
