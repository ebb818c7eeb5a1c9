/** The engine alone on a page: ?theme=dark&time=...&antialias=0. `window.__citytwin` is for tests and the console. */

import { createEngine, type EngineStats, type SceneManifest, type Theme } from "../src/engine";
import { type SunPosition, sunPosition } from "../src/engine/sun";

interface Harness {
  engine: ReturnType<typeof createEngine>;
  manifest: SceneManifest;
  /** Number of times that everything visible was loaded. */
  idles: number;
  errors: string[];
  /** Position of the sun over any place: milliseconds since 1970, degrees. */
  sunPosition(time_ms: number, longitude_deg: number, latitude_deg: number): SunPosition;
  /** Resolves when nothing is left to load and a frame was drawn. */
  settled(): Promise<EngineStats>;
}

const query = new URLSearchParams(location.search);
const manifest = (await (await fetch("manifest.json")).json()) as SceneManifest;
manifest.theme = (query.get("theme") as Theme | null) ?? manifest.theme;
manifest.time = query.get("time") ?? manifest.time;
const antialias = query.has("antialias") ? query.get("antialias") === "1" : undefined;
const engine = createEngine(document.getElementById("city") as HTMLElement, { theme: manifest.theme, antialias });

const harness: Harness = {
  engine,
  manifest,
  idles: 0,
  errors: [],
  sunPosition,
  settled: () =>
    new Promise((resolve) => {
      const frames = engine.stats().frames;
      const look = (): void => {
        const stats = engine.stats();
        if (stats.tilesPending === 0 && stats.frames > frames + 2) resolve(stats);
        else {
          engine.requestFrame();
          setTimeout(look, 30);
        }
      };
      look();
    }),
};
engine.on("idle", () => harness.idles++);
engine.on("error", ({ message }) => harness.errors.push(message));
(window as unknown as { __citytwin: Harness }).__citytwin = harness;
await engine.load(manifest);
