// `npm run api`: writes anew what is made of the SDK's tables and docstrings.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReference } from "./api-reference.ts";
import { attributeGetters } from "./attribute-getters.ts";

const sdk = join(import.meta.dirname, "..");
const pathOf = (file: string): string => join(sdk, "assembly", `${file}.ts`);

writeFileSync(pathOf("attributes"), attributeGetters());
writeFileSync(join(sdk, "API.md"), apiReference((file) => readFileSync(pathOf(file), "utf8")).text);
