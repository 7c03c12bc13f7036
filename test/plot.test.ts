import { describe, expect, test } from "vitest";
import { type Panel, plot } from "./load/plot.ts";

const load: Panel = {
  title: "requests per second",
  x: "seconds",
  lines: [
    { name: "with", points: [0, 40].map((y, i) => [i * 10, y] as const) },
    { name: "without", points: [80, 0].map((y, i) => [i * 10, y] as const) },
  ],
};
const work: Panel = {
  title: "work",
  groups: ["edge", "a < b & c"],
  bars: [
    { name: "without", values: [1, 4] },
    { name: "with", values: [2, 0] },
  ],
};

/** Attributes of all elements of a name, in their order. */
function elements(svg: string, name: string): readonly Readonly<Record<string, string>>[] {
  return [...svg.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, "g"))].map(([, attributes = ""]) =>
    Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  );
}

describe("a plot", () => {
  const svg = plot("load & work", [load, work]);

  test("has a line for each series, from the axis at 0 to the top of the scale", () => {
    const lines = elements(svg, "path").filter(({ fill }) => fill === "none");
    expect(lines.map(({ d }) => d)).toEqual(["M64 164L704 99", "M64 34L704 164"]);
  });

  test("has bars as high as their values", () => {
    const bars = elements(svg, "rect").filter(({ x, y }) => Number(x) > 64 && Number(y) > 30);
    expect(bars.map(({ height }) => Number(height))).toEqual([32.5, 65, 130, 0]);
  });

  test("gives a name one colour in all panels, and one place in the legend", () => {
    const colours = [...elements(svg, "path"), ...elements(svg, "rect")].map(({ stroke, fill }) =>
      fill === "none" ? stroke : fill,
    );
    const [first, second] = elements(svg, "path").flatMap(({ fill, stroke }) => (fill === "none" ? [stroke] : []));
    expect(first).not.toBe(second);
    for (const colour of [first, second]) expect(colours.filter((one) => one === colour)).toHaveLength(4);
    expect(svg.match(/>without</g)).toHaveLength(1);
  });

  test("escapes what it is told", () => {
    expect(svg).toContain(">a &#60; b &#38; c<");
  });

  test("of nothing but zeros is one all the same", () => {
    const flat = plot("none", [{ title: "none", x: "s", lines: [{ name: "a", points: [[5, 0]] }] }]);
    expect(flat).not.toMatch(/NaN|Infinity/);
  });
});
