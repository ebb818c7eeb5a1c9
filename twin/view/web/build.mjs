// Bundles the viewer into one ES module beside the Python package: node build.mjs [--watch]
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const out = fileURLToPath(new URL("../dist/", import.meta.url));
mkdirSync(out, { recursive: true });
const options = {
  entryPoints: [fileURLToPath(new URL("src/main.ts", import.meta.url))],
  outfile: `${out}city_view.js`,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "inline",
  loader: { ".css": "text" },
  logLevel: "info",
};
if (process.argv.includes("--watch")) await (await esbuild.context(options)).watch();
else await esbuild.build(options);
