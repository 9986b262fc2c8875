// The playground: a folder of static files. `.ci/playground` sets WASM to the built module.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const wasm = process.env.WASM ?? resolve(here, "../../target/wasm/leasehold.wasm");

export default {
  root: resolve(here, "playground"),
  // It may be served below any path.
  base: "./",
  resolve: { alias: [{ find: /^leasehold\.wasm/, replacement: wasm }] },
  worker: { format: "es" },
  build: { outDir: resolve(here, "../../target/playground"), emptyOutDir: true, target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
};
