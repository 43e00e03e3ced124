// Bundles the map for browsers into twin/web/static/built; with --test, the tests for Node into build/web-test.
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const common = {
  bundle: true,
  format: "esm",
  charset: "utf8",
  logLevel: "warning",
  loader: { ".graphql": "text" },
};
const browser = {
  entryPoints: { map: here("src/main.ts"), worker: "maplibre-gl/dist/maplibre-gl-worker.mjs" },
  outdir: here("../twin/web/static/built"),
  target: "es2022",
  minify: true,
  legalComments: "eof",
};
const tests = {
  entryPoints: [here("test/levels.test.ts")],
  outdir: here("../build/web-test"),
  outExtension: { ".js": ".mjs" },
  platform: "node",
};

const wanted = process.argv.includes("--test") ? tests : browser;
await rm(wanted.outdir, { recursive: true, force: true });
await build({ ...common, ...wanted });
