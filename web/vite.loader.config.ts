import { resolve } from "node:path";
import { defineConfig } from "vite";

// The loader is a classic script with a fixed name: host pages name it in their own HTML.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2019",
    emptyOutDir: false,
    lib: { entry: resolve(import.meta.dirname, "loader/loader.ts"), formats: ["iife"], name: "JiebangLoader", fileName: () => "widget.js" },
  },
});
