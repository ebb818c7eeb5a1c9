/** Binary frames of what moves, as `twin.live.MovingFrame` writes them. */
import type { VehicleFrame } from "../engine/picture_api";

const MAGIC = 0x314d5443;
const HEADER = 24;
const ROW = 26;

export function isMoving(buffer: ArrayBuffer): boolean {
  return buffer.byteLength >= HEADER && new DataView(buffer).getUint32(0, true) === MAGIC;
}

/** Reads a frame; throws a sentence when it is not a whole one. */
export function readMoving(buffer: ArrayBuffer): VehicleFrame {
  const view = new DataView(buffer);
  if (!isMoving(buffer)) throw new Error("it does not start with CTM1");
  const count = view.getUint32(20, true);
  if (buffer.byteLength !== HEADER + count * ROW) throw new Error(`it is cut off at ${buffer.byteLength} bytes`);
  let at = HEADER;
  const next = (bytes: number): number => {
    const here = at;
    at += count * bytes;
    return here;
  };
  return {
    epoch: view.getUint32(4, true),
    full: view.getUint8(10) === 0,
    replay: (view.getUint8(11) & 1) === 1,
    time: Number(view.getBigInt64(12, true)),
    number: new Uint32Array(buffer, next(4), count),
    age: new Int32Array(buffer, next(4), count),
    x: new Float32Array(buffer, next(4), count),
    y: new Float32Array(buffer, next(4), count),
    z: new Float32Array(buffer, next(4), count),
    heading: new Uint16Array(buffer, next(2), count),
    speed: new Uint16Array(buffer, next(2), count),
    kind: new Uint8Array(buffer, next(1), count),
    code: new Uint8Array(buffer, next(1), count),
  };
}
