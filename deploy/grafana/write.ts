// `npm run grafana`: writes the dashboards anew.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboards } from "./dashboards.ts";

const folder = join(import.meta.dirname, "dashboards");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
for (const [name, text] of dashboards) writeFileSync(join(folder, name), text);
