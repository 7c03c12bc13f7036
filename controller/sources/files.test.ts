import { appendFile, mkdir, rename, rm, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { object, patience, Watched } from "./test-support/watched.ts";

test("reads nested folders, several documents a file, .yaml, .yml and .json, and nothing else", async () => {
  const watched = await Watched.make({
    "a.yaml": `${object("a", "one")}---\n${object("b", "one")}---\n# nothing\n`,
    "deep/er/c.yml": object("c", "one"),
    "d.json": '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "d", "labels": {"v": "one"}}}',
    "list.yaml": `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: e, labels: {v: one}}}\n`,
    ".hidden.yaml": object("x", "one"),
    ".git/y.yaml": object("x", "one"),
    "node_modules/z/z.yaml": object("x", "one"),
    "a.yaml~": object("x", "one"),
    "#a.yaml#": object("x", "one"),
    ".a.yaml.swp": object("x", "one"),
    "README.md": object("x", "one"),
  });
  await watched.watch();
  expect(watched.seen).toBe("a=one b=one c=one d=one e=one");
  expect(watched.problems).toEqual([]);
});

test("a write, a new file, a new nested folder and a removal are seen", async () => {
  const watched = await (await Watched.make({ "a.yaml": object("a", "one") })).watch();
  await watched.write("a.yaml", object("a", "two"));
  await watched.see("a=two");
  await watched.write("b.yaml", object("b", "one"));
  await watched.see("a=two b=one");
  await watched.write("new/folder/c.yaml", object("c", "one"));
  await watched.see("a=two b=one c=one");
  await watched.write("new/folder/c.yaml", object("c", "two"));
  await watched.see("a=two b=one c=two");
  await unlink(watched.path("b.yaml"));
  await watched.see("a=two c=two");
  await rm(watched.path("new"), { recursive: true });
  await watched.see("a=two");
});

test("objects that have not changed are the same values in the next batch", async () => {
  const watched = await (await Watched.make({ "a.yaml": object("a", "one"), "b.yaml": object("b", "one") })).watch();
  const before = watched.last.objects;
  await watched.write("b.yaml", object("b", "two"));
  await watched.see("a=one b=two");
  expect(watched.last.objects[0]).toBe(before[0]);
});

test("an editor that renames the new file over the old one never removes the object", async () => {
  const watched = await (await Watched.make({ "a.yaml": object("a", "one") })).watch();
  await writeFile(watched.path(".a.yaml.tmp"), object("a", "two"));
  await rename(watched.path(".a.yaml.tmp"), watched.path("a.yaml"));
  await watched.see("a=two");
  // as vim does with a backup: the old file is moved away, then the new one is written
  await rename(watched.path("a.yaml"), watched.path("a.yaml~"));
  await watched.write("a.yaml", object("a", "three"));
  await watched.see("a=three");
  expect(watched.batches.filter(({ objects }) => objects.length === 0)).toEqual([]);
});

test("a file that is gone at one look and back at the next was never away", async () => {
  const watched = await Watched.make({ "a.yaml": object("a", "one") });
  let due: (() => void) | undefined;
  const after = (_: number, run: () => void) => {
    due = run;
    return () => undefined;
  };
  watched.clock = { nowMs: () => Date.now(), after };
  await watched.watch();
  const look = (): void => {
    const run = due;
    due = undefined;
    run?.();
  };
  await unlink(watched.path("a.yaml"));
  await until(() => due, "the event", patience);
  look();
  await until(() => due, "a second look to be wanted", patience);
  await watched.write("a.yaml", object("a", "two"));
  const seenAfterLooks = (seen: string) => () => {
    look();
    return watched.seen === seen;
  };
  await until(seenAfterLooks("a=two"), "the new version", patience);
  expect(watched.batches.filter(({ objects }) => objects.length === 0)).toEqual([]);
  await unlink(watched.path("a.yaml"));
  await until(seenAfterLooks(""), "its end", patience);
});

test("a file that is emptied keeps its objects until it is written or deleted", async () => {
  const watched = await (await Watched.make({ "a.yaml": object("a", "one") })).watch();
  await truncate(watched.path("a.yaml"));
  await watched.complain(
    "mesh/a.yaml:1:1 is empty: the objects that it had stay in force; delete the file to remove them",
  );
  expect(watched.seen).toBe("a=one");
  await appendFile(watched.path("a.yaml"), object("a", "two"));
  await watched.see("a=two");
  expect(watched.problems).toEqual([]);
  await truncate(watched.path("a.yaml"));
  await unlink(watched.path("a.yaml"));
  await watched.see("");
});

test("a half written file keeps what is missing, and takes over what is whole", async () => {
  const watched = await (await Watched.make({ "a.yaml": `${object("a", "one")}---\n${object("b", "one")}` })).watch();
  await watched.write("a.yaml", `${object("a", "two")}---\napiVersion: v1\nkind: Service\nmetadata: {name: b`);
  await watched.complain(
    "mesh/a.yaml:7:19 can't be read as YAML: flow map in block collection must be sufficiently indented and end with a }",
  );
  expect(watched.seen).toBe("a=two b=one");
  await watched.write("a.yaml", `${object("a", "two")}---\nkind: Service\n`); // b has lost its name
  await watched.complain();
  expect(watched.seen).toContain("b=one");
  await watched.write("a.yaml", object("a", "three"));
  await watched.see("a=three");
});

test("the same object twice: the first by path counts, and the other takes over when that is gone", async () => {
  const watched = await Watched.make({
    "a.yaml": object("web", "one"),
    "b.yaml": `${object("cart", "one")}---\n${object("web", "two")}`,
  });
  await watched.watch();
  expect(watched.seen).toBe("cart=one web=one");
  expect(watched.problems).toEqual(
    [
      "mesh/b.yaml:7:18 Service default/web stands already in mesh/a.yaml:3:18, and that one counts; remove one of them",
    ].map((text) => text.replace("mesh/a.yaml", `${watched.root}/mesh/a.yaml`).replace(`${watched.root}/`, "")),
  );
  await unlink(watched.path("a.yaml"));
  await watched.see("cart=one web=two");
  expect(watched.problems).toEqual([]);
});

test("an object that moves to another file never stands twice", async () => {
  const watched = await (await Watched.make({ "b.yaml": object("a", "one") })).watch();
  await rename(watched.path("b.yaml"), watched.path("c.yaml"));
  await watched.write("c.yaml", object("a", "two"));
  await watched.see("a=two");
  await rename(watched.path("c.yaml"), watched.path("a.yaml"));
  await watched.write("a.yaml", object("a", "three"));
  await watched.see("a=three");
  await watched.write("z.yaml", object("z", "one"));
  await watched.see("a=three z=one");
  expect(watched.batches.flatMap(({ problems }) => problems)).toEqual([]);
});

test("a ConfigMap volume's swap of its ..data symlink is one change", async () => {
  const watched = await Watched.make();
  for (const v of ["one", "two"]) {
    await mkdir(watched.path(`..2026_${v}`));
    await writeFile(watched.path(`..2026_${v}/a.yaml`), object("a", v));
  }
  await symlink("..2026_one", watched.path("..data"));
  await symlink("..data/a.yaml", watched.path("a.yaml"));
  await watched.watch();
  expect(watched.seen).toBe("a=one");
  await symlink("..2026_two", watched.path("..data_tmp"));
  await rename(watched.path("..data_tmp"), watched.path("..data"));
  await rm(watched.path("..2026_one"), { recursive: true });
  await watched.see("a=two");
  expect(watched.batches).toHaveLength(2);
});

test("symlinks to files and folders elsewhere are followed, circles are not", async () => {
  const watched = await Watched.make();
  await mkdir(join(watched.root, "else/where"), { recursive: true });
  await writeFile(join(watched.root, "else/a.yaml"), object("a", "one"));
  await writeFile(join(watched.root, "else/where/b.yaml"), object("b", "one"));
  await symlink("../else/a.yaml", watched.path("a.yaml"));
  await symlink("../else/where", watched.path("where"));
  await symlink(".", watched.path("circle"));
  await watched.watch();
  expect(watched.seen).toBe("a=one b=one");
  await writeFile(join(watched.root, "else/a.yaml"), object("a", "two"));
  await writeFile(join(watched.root, "else/where/b.yaml"), object("b", "two"));
  await watched.see("a=two b=two");
});

test("several folders are one: their order decides between duplicates", async () => {
  const watched = await Watched.make({ "a.yaml": object("a", "mesh") });
  await mkdir(join(watched.root, "generated"));
  await writeFile(
    join(watched.root, "generated/z.yaml"),
    `${object("a", "generated")}---\n${object("pod", "generated")}`,
  );
  await watched.watch(watched.path(""), join(watched.root, "generated"));
  expect(watched.seen).toBe("a=mesh pod=generated");
  await writeFile(join(watched.root, "generated/z.yaml"), object("pod", "new"));
  await watched.see("a=mesh pod=new");
});

test("a folder that is not there is a problem, and is seen when it comes; one that goes keeps its objects", async () => {
  const watched = await Watched.make();
  await watched.watch(join(watched.root, "later"));
  expect(watched.problems).toHaveLength(1);
  expect(watched.problems[0]).toMatch(/^later:1:1 can't be read: ENOENT/);
  await mkdir(join(watched.root, "later"));
  await writeFile(join(watched.root, "later/a.yaml"), object("a", "one"));
  await watched.see("a=one");
  await rename(join(watched.root, "later"), join(watched.root, "away"));
  await until(() => watched.problems.length === 1, "the problem");
  expect(watched.seen).toBe("a=one");
  await mkdir(join(watched.root, "later"));
  await writeFile(join(watched.root, "later/a.yaml"), object("a", "two"));
  await watched.see("a=two");
  await writeFile(join(watched.root, "later/a.yaml"), object("a", "three"));
  await watched.see("a=three");
});

test("names are as the user gave the folder", async () => {
  const watched = await Watched.make({ "a.yaml": "a: [" });
  await watched.watch(relative(process.cwd(), watched.path("")));
  expect(watched.last.problems[0]?.place?.file).toBe(relative(process.cwd(), watched.path("a.yaml")));
});

test("nothing is said after close", async () => {
  const watched = await (await Watched.make({ "a.yaml": object("a", "one") })).watch();
  const other = await new Watched(watched.root).watch();
  await watched.source?.close();
  await watched.write("a.yaml", object("a", "two"));
  await other.see("a=two");
  expect(watched.seen).toBe("a=one");
});
