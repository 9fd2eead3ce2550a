// Writes a gzipped copy beside each built script, style sheet and drawing; the gateway sends it to browsers that take it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
for (const file of readdirSync(fileURLToPath(dist), { recursive: true, withFileTypes: true })) {
  if (!file.isFile() || !/\.(js|css|svg)$/.test(file.name)) continue;
  const path = `${file.parentPath ?? file.path}/${file.name}`;
  const content = readFileSync(path);
  if (content.length > 1000) writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}
