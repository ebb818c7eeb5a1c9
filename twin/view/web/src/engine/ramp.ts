/** Palettes of 256 entries along a ramp of colours. */

import { DataTexture, NearestFilter, RGBAFormat, SRGBColorSpace } from "three";

/** Ramps that can be told apart with any colour vision; heat, flow and people's own choice. */
export const PICTURE_RAMPS = {
  viridis: ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
  cividis: ["#00224e", "#083370", "#35456c", "#4f576c", "#666970", "#7d7c78", "#948e77", "#aea371", "#c8b866", "#e5cf52", "#fee838"],
  sun: ["#25204f", "#4b2a6b", "#7c3572", "#ad4468", "#d65f52", "#ee8640", "#f9b13d", "#fbd85f", "#fff3b0"],
  water: ["#eaf6fb", "#c6e6f2", "#93cde4", "#5aadd3", "#2f89bd", "#1f669f", "#1b467d", "#142a56"],
} as const;

export type PictureRamp = keyof typeof PICTURE_RAMPS;

/** RGBA bytes: entry 0 is empty, 1 to 250 go along the ramp, the rest repeats its end. */
export function rampBytes(ramp: PictureRamp): Uint8Array {
  const stops = PICTURE_RAMPS[ramp].map((colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));
  const bytes = new Uint8Array(1024);
  for (let code = 1; code < 256; code++) {
    const at = (Math.min(code - 1, 249) / 249) * (stops.length - 1);
    const from = stops[Math.floor(at)] as number[];
    const to = stops[Math.ceil(at)] as number[];
    bytes.set(from.map((value, i) => Math.round(value + ((to[i] as number) - value) * (at % 1))), code * 4);
    bytes[code * 4 + 3] = 255;
  }
  return bytes;
}

export function paletteTexture(rgba: Uint8Array): DataTexture {
  const texture = new DataTexture(rgba, 256, 1, RGBAFormat);
  texture.colorSpace = SRGBColorSpace;
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}

export function rampPalette(ramp: PictureRamp): DataTexture {
  return paletteTexture(rampBytes(ramp));
}
