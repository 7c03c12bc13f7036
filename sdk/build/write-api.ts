// `npm run api`: writes anew what is made of the SDK's tables and docstrings.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReference } from "./api-reference.ts";
import { attributeGetters } from "./attribute-getters.ts";
import { hostReference } from "./host-reference.ts";

const sdk = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(sdk, path), "utf8");

writeFileSync(join(sdk, "assembly/attributes.ts"), attributeGetters());
const filters = apiReference((file) => read(`assembly/${file}.ts`));
writeFileSync(join(sdk, "API.md"), `${filters.text}\n${hostReference(read).text}`);
