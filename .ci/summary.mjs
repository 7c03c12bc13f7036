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
    const tests = suite.assertionResults.filter(({ status }) => status === "failed");
    for (const test of tests) fail(`${name} > ${test.fullName}\n${indent(test.failureMessages.join("\n"))}`);
    if (suite.status === "failed" && tests.length === 0) fail(`${name} did not run\n${indent(suite.message)}`);
  }
}
for (const command of commands) console.log(`failed: ${command}`);
console.log(`${passed} passed, ${Math.max(failed, commands.length)} failed`);

function fail(what) {
  failed += 1;
  console.log(`failed: ${what}`);
}

/** The first lines of an error: what happened and where. */
function indent(text) {
  const lines = text.split("\n").slice(0, 12);
  return lines.map((line) => `  ${line.slice(0, 300)}`).join("\n");
}
