// Serves a city package, or a folder of tilesets, to the engine alone: node dev/serve.mjs NAME.city [port]
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const city = resolve(process.argv[2] ?? ".");
const tiles = existsSync(join(city, "tiles")) ? join(city, "tiles") : city;
const types = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".glb": "model/gltf-binary" };

/** Bounds of a tileset in local metres, from the box of its root. */
function boundsOf(tileset) {
  const [x, y, z, ax, ay, az, bx, by, bz, cx, cy, cz] = tileset.root.boundingVolume.box;
  const half = [Math.abs(ax) + Math.abs(bx) + Math.abs(cx), Math.abs(ay) + Math.abs(by) + Math.abs(cy), Math.abs(az) + Math.abs(bz) + Math.abs(cz)];
  return [x - half[0], y - half[1], z - half[2], x + half[0], y + half[1], z + half[2]];
}

/** What the Python side would send, as far as the files tell. */
function manifest() {
  const file = join(city, "city.json");
  const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { layers: [] };
  const own = join(city, "manifest.json");
  if (existsSync(own)) return JSON.parse(readFileSync(own, "utf8"));
  const folders = readdirSync(tiles).filter((name) => existsSync(join(tiles, name, "tileset.json")));
  const order = known.layers.length > 0 ? known.layers.map((layer) => layer.name).filter((name) => folders.includes(name)) : folders;
  let base = 0;
  const layers = order.map((name) => {
    const spec = known.layers.find((layer) => layer.name === name) ?? { theme: name, objects: 100_000 };
    const bounds = boundsOf(JSON.parse(readFileSync(join(tiles, name, "tileset.json"), "utf8")));
    const layer = { name, theme: spec.theme, titles: { en: name, zh: name }, tileset: `${name}/tileset.json`, base, count: spec.objects, visible: true, opacity: 1, underground: spec.theme === "pipes", bounds, source: "" };
    base += spec.objects;
    return layer;
  });
  const boxes = layers.map((layer) => layer.bounds);
  const bounds = [0, 1, 2].map((i) => Math.min(...boxes.map((b) => b[i]))).concat([3, 4, 5].map((i) => Math.max(...boxes.map((b) => b[i]))));
  const origin = { longitude: 121.5, latitude: 31.24, crs: "", easting: 0, northing: 0, height: 0, convergence_deg: 0, ...known.origin };
  return { name: "city", titles: { en: "City", zh: "城市" }, epoch: 0, count: base, origin, bounds, tiles_url: "tiles/", live_url: null, layers, home: null, language: "en", theme: "light", time: "2026-04-20T01:30:00Z", overlays: [], simulations: [], scenarios: [], attribution: [] };
}

const bundle = await build({ entryPoints: [join(here, "dev.ts")], bundle: true, format: "esm", target: "es2022", write: false, sourcemap: "inline" });
const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  const send = (body, type) => response.writeHead(200, { "content-type": type }).end(body);
  if (path === "/") return send(readFileSync(join(here, "index.html")), types[".html"]);
  if (path === "/dev.js") return send(bundle.outputFiles[0].contents, types[".js"]);
  if (path === "/manifest.json") return send(JSON.stringify(manifest()), types[".json"]);
  const file = path.startsWith("/tiles/") ? join(tiles, normalize(path.slice(7))) : "";
  if (!file.startsWith(tiles) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
  return createReadStream(file).pipe(response);
});
server.listen(Number(process.argv[3] ?? 0), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
