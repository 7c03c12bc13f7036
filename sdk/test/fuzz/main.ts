// npm run fuzz -- [--seed N] [--cases N]: random cases on the SDK and the filters, a million unless told otherwise.
import { argv, exit, stdout } from "node:process";
import { parseArgs } from "node:util";
import { fuzz, subjects } from "./fuzz.ts";

const options = { seed: { type: "string" }, cases: { type: "string", default: "1000000" } } as const;
const { values } = parseArgs({ args: argv.slice(2), options });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const all = await subjects();
const cases = Math.ceil(Number(values.cases) / all.length);
if (!Number.isSafeInteger(seed) || !(cases > 0)) throw new Error("--seed and --cases are whole numbers");

let failed = false;
for (const subject of all) {
  const start = performance.now();
  const failure = await fuzz(subject, { seed, cases }).catch((error: unknown) => error);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  stdout.write(
    `${subject.name}: seed ${seed}, ${cases} cases, ${seconds} s: ${failure === undefined ? "ok" : "FAILED"}\n`,
  );
  if (failure === undefined) continue;
  failed = true;
  stdout.write(`${failure instanceof Error ? `${failure.message}\n${failure.cause}` : failure}\n`);
}
exit(failed ? 1 : 0);
