import { describe, expect, test } from "vitest";
import { caseFile, cases, readCase, render } from "./test-support/case.ts";
import { translate } from "./translate.ts";

// Rewrite the outputs with `vitest run --project unit controller/translate/golden.test.ts -u`, then read the diff.

describe.each(cases)("%s", (name) => {
  const { mesh, proxy } = readCase(name);
  const { resources, problems } = translate(mesh, proxy);
  test.each([...render(resources, problems)])("%s", async (file, content) => {
    await expect(content).toMatchFileSnapshot(caseFile(name, file));
  });
});
