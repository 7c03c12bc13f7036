// Says again what failed, since the log above it is long: `summary.mjs <vitest's JSON>... -- <command that failed>...`.
// Its last line is `N passed, N failed`.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const args = process.argv.slice(2);
const files = args.slice(0, args.indexOf("--"));
const commands = args.slice(args.indexOf("--") + 1);

let passed = 0;
let failed = 0;
for (const file of files) {
  let results;
  try {
    results = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    fail(`${file}: these tests left no result`);
    continue;
  }
  passed += results.numPassedTests;
  for (const suite of results.testResults) {
    const name = relative(".", suite.name);
    for (const { status, fullName, failureMessages } of suite.assertionResults) {
      const what = `${name} > ${fullName}\n${firstLines(failureMessages.join("\n"))}`;
      if (status === "failed") fail(what);
      else if (failureMessages.length > 0) console.log(`passed when tried again: ${what}`);
    }
    const didNotRun = suite.status === "failed" && suite.assertionResults.every(({ status }) => status !== "failed");
    if (didNotRun) fail(`${name} did not run\n${firstLines(suite.message)}`);
  }
}
for (const command of commands) console.log(`failed: ${command}`);
console.log(`${passed} passed, ${Math.max(failed, commands.length)} failed`);

function fail(what) {
  failed += 1;
  console.log(`failed: ${what}`);
}

/** The first lines of an error: what happened, and where in this project. */
function firstLines(text) {
  const lines = text.split("\n").filter((line) => !line.includes("/node_modules/") && !line.includes("(<anonymous>)"));
  return lines
    .slice(0, 12)
    .map((line) => `  ${line.slice(0, 300)}`)
    .join("\n");
}
