// Validates glb files with the Khronos glTF validator and prints one JSON report: {path: {errors, warnings, messages}}.
// Usage: node validate_glb.mjs FOLDER_WITH_NODE_MODULES FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [home, ...files] = process.argv.slice(2);
const validator = createRequire(resolve(home, "package.json"))("gltf-validator");
const found = {};
for (const file of files) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 20 });
  found[file] = {
    errors: report.issues.numErrors,
    warnings: report.issues.numWarnings,
    messages: report.issues.messages.map((issue) => `${issue.severity} ${issue.code} ${issue.pointer} ${issue.message}`),
  };
}
console.log(JSON.stringify(found));
