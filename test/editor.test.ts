// What an editor says of filters: it takes them for TypeScript, by the tsconfig.json beside their sources.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { filterTemplate } from "../controller/cli/filter-template.ts";
import { findFilters } from "../sdk/build/filters.ts";

const root = dirname(import.meta.dirname);

/** The complaints of TypeScript about files below a project's folder. */
async function complaints(folder: string): Promise<string[]> {
  const args = ["-p", ".", "--pretty", "false"];
  const said = await new Promise<string>((resolve) => {
    execFile(join(root, "node_modules/.bin/tsc"), args, { cwd: folder }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  return said.split("\n").filter((line) => line.includes(": error TS") && !line.startsWith("../")); // not those of the SDK's own
}

test.each(findFilters(root).map(({ folder }) => folder))("nothing of %s", async (folder) => {
  expect(await complaints(join(root, folder, "assembly"))).toEqual([]);
});

test("nothing of a new filter; of a wrong one what is wrong", async () => {
  const repository = mkdtempSync(join(tmpdir(), "sluice-editor-"));
  try {
    symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
    for (const [path, text] of filterTemplate("cart")) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    }
    const folder = join(repository, "filters/cart/assembly");
    expect(await complaints(folder)).toEqual([]);
    writeFileSync(
      join(folder, "wrong.ts"),
      `import { HttpContext, LocalReply } from "@sluice/sdk/assembly";
       @config class More { @range("a") percent: i32 = "1"; }
       class Stream extends HttpContext { onLog(): void { this.requestHeader.get("a"); this.sendLocalReply({ stat: 1 }); } }`,
    );
    expect(await complaints(folder)).toEqual([
      expect.stringContaining("wrong.ts(2,30): error TS2554"),
      expect.stringContaining("wrong.ts(2,41): error TS2322"),
      expect.stringContaining("wrong.ts(3,64): error TS2551"),
      expect.stringContaining("wrong.ts(3,110): error TS2769"),
    ]);
  } finally {
    rmSync(repository, { recursive: true });
  }
});
