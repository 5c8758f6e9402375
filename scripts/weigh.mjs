// weigh.mjs CEILING: what the pages' assets weigh on the wire; fails when the WebAssembly is over the
// ceiling (kB, brotli).
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const ceiling = Number(process.argv[2]);
const weigh = (name) => brotliCompressSync(readFileSync(`target/site/pkg/${name}`)).length / 1000;

for (const name of ["rollcall.wasm", "rollcall.js", "rollcall.css"]) {
  console.log(`${name} ${weigh(name).toFixed(1)} kB`);
}
if (weigh("rollcall.wasm") > ceiling) {
  console.error(`error: rollcall.wasm is over its ceiling of ${ceiling} kB, set in scripts/test.sh`);
  process.exitCode = 1;
}
