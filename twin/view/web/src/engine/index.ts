/** The 3D engine: what the page may use of it. */

export type * from "./api";
export { createEngine } from "./engine";
