import { existsSync } from "node:fs";
import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { type Plugin } from "vite";
import { defineConfig } from "vitest/config";

// One page per application; the desk joins as soon as its page exists.
const pages = ["index.html", "widget/index.html", "desk/index.html"].map((page) => resolve(import.meta.dirname, page));

/** What the widget's page imports in any case is named in its head, so that it comes at once and not after what imports it. */
const early: Plugin = {
  name: "early",
  transformIndexHtml: {
    order: "post",
    handler(html, { path, bundle }) {
      if (!path.endsWith("/widget/index.html") || !bundle) return;
      const chunks = Object.values(bundle).flatMap((one) => (one.type === "chunk" ? [one] : []));
      const view = chunks.find((one) => one.name === "view");
      const wanted = view ? [view.fileName, ...view.imports].map((file) => `/${file}`) : [];
      return wanted.filter((href) => !html.includes(href)).map((href) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href }, injectTo: "head" }));
    },
  },
};

export default defineConfig({
  plugins: [react(), early],
  // Its "browser" field names the one-file build, of which nothing can be left out.
  resolve: { alias: [{ find: /^@chatui\/core$/, replacement: "@chatui/core/es/index.js" }] },
  // `npm run dev` serves the pages with live reload in front of a running gateway.
  server: {
    proxy: Object.fromEntries(
      ["/api", "/sandbox", "/secure", "/socket.io"].map((path) => [path, { target: process.env.GATEWAY_URL ?? "http://127.0.0.1:8080", ws: true }]),
    ),
  },
  build: {
    target: "es2021",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The desk's components come as one file of 0.9 MB (285 kB on the wire), cached until the next release.
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      input: pages.filter(existsSync),
      // ChatUI does not say so itself, but none of its modules does anything by being imported: what is not used stays out.
      treeshake: { moduleSideEffects: (id) => !id.includes("/@chatui/core/") },
      output: { manualChunks: (id) => (/node_modules\/(react|react-dom|scheduler)\//.test(id) ? "react" : /node_modules\/(socket|engine)\.io-/.test(id) ? "socket" : undefined) },
    },
  },
  test: { environment: "jsdom", include: ["**/*.test.{ts,tsx}"], exclude: ["node_modules", "dist"] },
});
