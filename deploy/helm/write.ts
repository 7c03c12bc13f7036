// `npm run helm`: writes the chart anew from the manifests of `sluice install`.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { chart } from "../../controller/install/chart.ts";
import { version } from "../../controller/model/version.ts";

const folder = join(import.meta.dirname, "sluice");

rmSync(folder, { recursive: true, force: true });
for (const [path, text] of chart(version)) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
