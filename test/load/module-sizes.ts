import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Measurement } from "./figures.ts";

const build = join(import.meta.dirname, "..", "..", "build");

/** The filters as they are delivered, manifest and debug names included. */
export const moduleSizes: Measurement = async () =>
  globSync("*.wasm", { cwd: build })
    .sort()
    .flatMap((file) => {
      const bytes = readFileSync(join(build, file));
      const name = basename(file, ".wasm");
      return [
        { what: `${name}: module`, samples: [bytes.length], unit: "bytes", how: `build/${file}` },
        { what: `${name}: module, gzip`, samples: [gzipSync(bytes).length], unit: "bytes", how: "zlib level 6" },
      ];
    });
