import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ConfigRefused, Host } from "../host/index.ts";
import { inspectModule } from "../module/inspect.ts";
import { buildFilter } from "./build-filter.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

const repository = join(import.meta.dirname, "..", "..");
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-config-"));
  mkdirSync(join(root, "node_modules", "@sluice"), { recursive: true });
  symlinkSync(join(repository, "sdk"), join(root, "node_modules", "@sluice", "sdk"));
  symlinkSync(join(repository, "asconfig.json"), join(root, "asconfig.json"));
});

afterAll(() => rmSync(root, { recursive: true }));

function build(files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, "filters/typed/assembly", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return buildFilter(root, { name: "typed", folder: "filters/typed", source: "filters/typed/assembly/index.ts" });
}

const config = `import { Config, Duration, HeaderName, Percent } from "@sluice/sdk/assembly";

export enum Per { Destination, Route }

/** One rule. */
@config
export class Rule {
  /** Which requests. */
  path: string;
  @range(100, 599) status: u16 = 503;
}

@config
class Limits {
  @range(0.5, 2.5) factor: f64 = 1;
  most: i64 = 10;
  share: Percent = 12.5;
}

/**
 * All types
 * there are.
 */
@config
export class Settings {
  /** Length of the window. */
  @range("1s", "10m") readonly window: Duration = "10s";
  wait: Duration = 0;
  @oneOf("destination", "route") per: Per = Per.Route;
  @oneOf("low", "high") level: string = "low";
  on: bool = true;
  name: string;
  note: string | null = null;
  header: HeaderName = "";
  names: string[] = ["a", "b"];
  labels: Map<string, string>;
  limits: Limits;
  spare: Limits | null = null;
  rules: Rule[];

  check(config: Config): void {
    if (this.wait > this.window) config.reject("wait", "it must not be longer than window");
  }

  get text(): string {
    const spare = this.spare;
    let text = [this.window.toString(), this.wait.toString(), this.per == Per.Route ? "route" : "destination", this.level,
      this.on.toString(), this.name, this.note == null ? "null" : this.note!, this.header, this.names.join("+"),
      this.labels.keys().join("+"), this.labels.values().join("+"), this.limits.factor.toString(), this.limits.most.toString(), this.limits.share.toString(),
      spare == null ? "null" : spare.factor.toString()].join(" ");
    for (let i = 0; i < this.rules.length; i++) text += " " + this.rules[i].path + "=" + this.rules[i].status.toString();
    return text;
  }
}
`;

const index = `import { Config, HttpContext, log, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";
class Stream extends HttpContext {}
class Typed extends Plugin {
  onConfigure(config: Config): void { log.info(config.read<Settings>().text); }
  createHttpContext(): HttpContext { return new Stream(); }
}
registerPlugin(() => new Typed());
`;

describe("a class of settings", () => {
  let module: Uint8Array;
  beforeAll(async () => {
    const built = await build({ "index.ts": index, "config.ts": config });
    if (!built.ok) throw new Error(built.messages);
    module = built.bytes;
  });

  test("makes the schema", async () => {
    const schema = inspectModule(module).manifest?.configSchema;
    await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot("testdata/config-schema.json.txt");
  });

  test.each([
    [{ name: "n" }, "10000000000 0 route low true n null  a+b   1.0 10 12.5 null"],
    [
      {
        ...{
          window: "2s",
          wait: "1s",
          per: "destination",
          level: "high",
          on: false,
          name: "n",
          note: "x",
          header: "X-H",
        },
        ...{
          names: [],
          labels: { a: "1", b: "2" },
          limits: { factor: 2, most: -3, share: 50 },
          spare: {},
          rules: [{ path: "/" }],
        },
      },
      "2000000000 1000000000 destination high false n x x-h  a+b 1+2 2.0 -3 50.0 1.0 /=503",
    ],
  ])("reads %j", async (given, text) => {
    const { logs } = await Host.load(module, { config: given });
    expect(new Set(logs.map((line) => line.text))).toEqual(new Set([text]));
  });

  test("refuses what is not as it says, all at once and by path", async () => {
    const wrong = {
      ...{ window: "11m", wait: 1, per: "route ", level: "", on: 1, note: 1, header: "a b", names: [1] },
      ...{
        labels: { a: 1 },
        limits: { factor: 3, most: 0.5, share: 100.5, x: 1 },
        spare: [],
        rules: [{ status: 99 }],
        more: 1,
      },
    };
    const refusal = await Host.load(module, { config: wrong }).catch((error: unknown) => error);
    if (!(refusal instanceof ConfigRefused)) throw new Error("it was taken");
    await expect(`${refusal.message}\n`).toMatchFileSnapshot("testdata/config-refused.txt");
  });
});

/** A filter whose class of settings has these lines from line 3, column 3 on. */
function messagesOf(lines: string): Promise<string> {
  const code = `enum Per { Destination, Route } enum Odd { A = 4 } @config class Inner { b: i32 = 1; }
@config class Settings { x: Inner;
  ${lines}
}`;
  return build({ "index.ts": index, "config.ts": `export ${code}` }).then(({ messages }) => messages);
}

test.each([
  ["a: u128 = 1;", "the type u128 is no setting's; there are bool, i8, i16", 3],
  ["a: i32 = 1 + 1;", "a default is a literal, or a member of an enum", 12],
  ['a: i32 = "1";', 'the default "1" is no i32', 3],
  ["a: i32 = 1.5;", "the default 1.5 is no i32", 3],
  ["a: u8 = 256;", "the default 256 is not from 0 to 255", 3],
  ["@range(1, 9) a: i32 = 10;", "the default 10 is not from 1 to 9", 3],
  ["@range(9, 1) a: i32 = 5;", "@range(9, 1) is no range of i32", 3],
  ['@range("1s", "1m") a: Duration = "61s";', 'the default "61s" is not from "1s" to "1m"', 3],
  ['a: Duration = "10";', 'the default "10" is no Duration', 3],
  ['@range(1, 2) a: string = "";', "string has no @range", 3],
  ['@oneOf("a", "b") a: string = "c";', 'the default "c" is none of a, b', 3],
  ['@oneOf("a") a: Per = Per.Route;', "@oneOf has 1 words, and Per has 2 members", 3],
  ['@oneOf("a") a: Odd = Odd.A;', "a default is a literal, or a member of an enum", 24],
  ["@max(1) a: i32 = 1;", "a setting has @range(min, max) and @oneOf", 3],
  ["a: i32 | null = null;", "only a string or a @config class can be null", 3],
  ["a: Inner = 1;", "a class has no default but null", 3],
])("%s is an error at its place", async (lines, message, column) => {
  const messages = await messagesOf(lines);
  expect(messages).toContain(message);
  expect(messages).toContain(`in filters/typed/assembly/config.ts(3,${column})`);
});

test("a class that contains itself is an error, and so are two that belong together in no way", async () => {
  expect(await messagesOf("a: Settings[];")).toContain("Settings.a: Settings[] contains itself");
  const two =
    "@config class A { a: i32 = 1; }\n@config class B { b: i32 = 1; }\n@config class C extends A { c: i32 = 1; }";
  const { messages } = await build({ "index.ts": index, "config.ts": two });
  expect(messages).toContain("A and B are both @config, and neither is in the other");
  expect(messages).toContain("a @config class extends nothing");
});
