// Loads tilesets as the viewer does (three.js and 3d-tiles-renderer) and prints what arrived, one JSON object.
// Usage: node load_tiles.mjs FOLDER_WITH_NODE_MODULES FILE.glb...
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

globalThis.ProgressEvent ??= class {};
const [home, ...files] = process.argv.slice(2);
const modules = join(resolve(home), "node_modules");
const THREE = await import(pathToFileURL(join(modules, "three/build/three.module.js")));
const { GLTFLoader } = await import(pathToFileURL(join(modules, "three/examples/jsm/loaders/GLTFLoader.js")));
const { MeshoptDecoder } = await import(pathToFileURL(join(modules, "three/examples/jsm/libs/meshopt_decoder.module.js")));
const plugins = await import(pathToFileURL(join(modules, "3d-tiles-renderer/build/index.three-plugins.js")));

const loader = new GLTFLoader();
await MeshoptDecoder.ready;
loader.setMeshoptDecoder(MeshoptDecoder);
loader.register((parser) => new plugins.GLTFMeshFeaturesExtension(parser));
loader.register((parser) => new plugins.GLTFStructuralMetadataExtension(parser));

function describe(object) {
  const geometry = object.geometry;
  const instanced = object.isInstancedMesh === true;
  const box = new THREE.Box3().setFromObject(object);
  const handles = geometry.getAttribute("_feature_id_0") ?? geometry.getAttribute("_FEATURE_ID_0");
  const rows = geometry.getAttribute("_feature_id_1") ?? geometry.getAttribute("_FEATURE_ID_1");
  const { meshFeatures, structuralMetadata } = object.userData;
  const last = rows ? rows.count - 1 : -1;
  const row = rows ? rows.getX(last) : null;
  return {
    type: object.type,
    instances: instanced ? object.count : 0,
    low: box.min.toArray(),
    high: box.max.toArray(),
    vertices: geometry.getAttribute("position").count,
    labels: meshFeatures ? meshFeatures.getFeatureInfo().map((info) => info.label) : [],
    handles: handles ? Array.from({ length: handles.count }, (_, i) => handles.getX(i)) : [],
    last: structuralMetadata && !instanced && row !== null ? structuralMetadata.getPropertyTableData(0, row) : null,
  };
}

const found = {};
for (const file of files) {
  const bytes = readFileSync(file);
  const gltf = await loader.parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), "");
  gltf.scene.updateMatrixWorld(true);
  const objects = [];
  gltf.scene.traverse((object) => {
    if (object.isMesh || object.isLineSegments || object.isPoints) objects.push(describe(object));
  });
  found[file] = objects;
}
console.log(JSON.stringify(found, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
