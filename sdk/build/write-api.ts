// `npm run api`: writes anew what is made of the SDK's tables.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { attributeGetters } from "./attribute-getters.ts";

writeFileSync(join(import.meta.dirname, "..", "assembly", "attributes.ts"), attributeGetters());
