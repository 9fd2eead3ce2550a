// Prints what a customer's browser loads, gzipped, and fails when it is more than was promised.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const gz = (path) => gzipSync(readFileSync(new URL(path.replace(/^\//, ""), dist)), { level: 9 }).length;
const page = (path) => [path, ...[...readFileSync(new URL(path, dist), "utf8").matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css|svg))"/g)].map((found) => found[1]).filter((found) => found !== "/widget.js")];
const found = [
  ["loader", ["widget.js"], 10_000],
  ["widget", page("widget/index.html"), 200_000],
  ["demo page", page("index.html"), Infinity],
];
for (const [name, files, most] of found) {
  const size = files.reduce((sum, file) => sum + gz(file), 0);
  console.log(`${name}: ${(size / 1000).toFixed(1)} kB gzipped in ${files.length} files`);
  if (size > most) process.exitCode = 1;
}
