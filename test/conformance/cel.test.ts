// sdk/cel beside a real Envoy: which texts its expr_create takes.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkExpression } from "../../sdk/cel/grammar.ts";
import { CelError } from "../../sdk/cel/tokens.ts";
import { expression, spoilt } from "./cel-arbitrary.ts";
import { expressionTable } from "./cel-table.ts";
import { EnvoyRunner } from "./envoy.ts";

let envoy: EnvoyRunner;
beforeAll(async () => {
  envoy = await EnvoyRunner.start("sidecar");
});
afterAll(() => envoy?.stop());

test.each(Object.entries(expressionTable))("%s", async (_, texts) => expect(await differing(texts)).toEqual([]));

test("a message is refused, though Envoy takes it where it has its type", async () => {
  const known = ["google.protobuf.Int64Value{value: 1}", "envoy.config.core.v3.Node{id: 'a'}"];
  expect(await envoys(known)).toEqual(["taken", "taken"]);
  expect(known.map(ours)).toEqual(["message", "message"]);
});

const seed = 2026;

test.each([
  ["what the grammar makes", expression, 400],
  ["the same with a slip", spoilt, 800],
])(
  `%s, seed ${seed}`,
  async (_, texts, numRuns) => {
    expect(await differing(fc.sample(texts, { seed, numRuns }))).toEqual([]);
  },
  60_000,
);

/** Of which Envoy and sdk/cel do not say the same, with both answers. */
async function differing(texts: readonly string[]): Promise<string[]> {
  const answers = await envoys(texts);
  return texts.flatMap((text, i) => {
    const [envoy, own] = [answers[i], ours(text)];
    const isSame = envoy === own || (envoy === "compile" && own === "message");
    return isSame ? [] : [`${JSON.stringify(text)}: Envoy ${envoy}, sdk/cel ${own}`];
  });
}

/** "taken", or the stage at which it is refused. */
function ours(text: string): string {
  try {
    checkExpression(text);
    return "taken";
  } catch (error) {
    if (error instanceof CelError) return error.stage;
    throw error;
  }
}

async function envoys(texts: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const some of portions(texts)) {
    const steps = some.map((text) => `call_foreign_function('expr_create', '${quoted(text)}')`).join("\n");
    const { observation } = await envoy.run({ title: "", on: { configure: steps } });
    const lines = observation.main.filter((line) => line.includes("expr_create"));
    const ends = lines.flatMap((line, i) => (line.startsWith("info configure>") ? [i] : []));
    expect(ends.length).toBeGreaterThanOrEqual(some.length); // again where it is configured again
    answers.push(
      ...ends.slice(0, some.length).map((i) => /expr_create (\w+) error/.exec(lines[i - 1] ?? "")?.[1] ?? "taken"),
    );
  }
  return answers;
}

/** As many at a time as the program of a script can hold. */
function portions(texts: readonly string[]): readonly (readonly string[])[] {
  const all: string[][] = [];
  let room = 0;
  for (const text of texts) {
    room -= 60 + 3 * quoted(text).length;
    if (room < 0) {
      all.push([]);
      room = 8_000;
    }
    all.at(-1)?.push(text);
  }
  return all;
}

/** For a step of a script. */
function quoted(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || "'\\".includes(String.fromCharCode(byte)) ? hex(byte) : String.fromCharCode(byte),
    )
    .join("");
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
