// Decodes quantized-mesh tiles with 3d-tiles-renderer's loader and prints one JSON object: {path: parts}.
// Usage: node decode_terrain.mjs FOLDER_WITH_NODE_MODULES FILE...
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [home, ...files] = process.argv.slice(2);
const built = join(resolve(home), "node_modules/3d-tiles-renderer/build/index.core-plugins.js");
const { QuantizedMeshLoaderBase } = await import(pathToFileURL(built));
const loader = new QuantizedMeshLoaderBase();
const found = {};
for (const file of files) {
  const bytes = readFileSync(file);
  const { header, indices, vertexData, edgeIndices, extensions } = loader.parse(new Uint8Array(bytes).buffer);
  const edges = Object.fromEntries(Object.entries(edgeIndices).map(([name, list]) => [name, [...list]]));
  const [u, v, height] = [vertexData.u, vertexData.v, vertexData.height].map((list) => [...list]);
  found[file] = { header, indices: [...indices], u, v, height, edges, normals: [...extensions.octvertexnormals.normals] };
}
console.log(JSON.stringify(found));
