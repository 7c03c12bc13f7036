import { expect, test } from "vitest";
import { table } from "./table.ts";

test.each([
  [
    "the last column is not padded, even where it is empty",
    [
      ["A", "B"],
      ["long", ""],
    ],
    5,
    "A        B\nlong     \n",
  ],
  [
    "an empty column keeps its padding",
    [
      ["", "B"],
      ["", "C"],
    ],
    5,
    "     B\n     C\n",
  ],
  [
    "a character counts once",
    [
      ["é😀", "B"],
      ["abc", "C"],
    ],
    1,
    "é😀  B\nabc C\n",
  ],
  ["listeners have one space", [["A", "B"]], 1, "A B\n"],
])("%s", (_, rows, padding, text) => {
  expect(table(rows, padding)).toBe(text);
});
