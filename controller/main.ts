#!/usr/bin/env node
// The `sluice` program. Compiled code is kept between runs, which halves the time to start.
import { enableCompileCache } from "node:module";
import process from "node:process";

enableCompileCache();
const { run } = await import("./program.ts");
process.exitCode = await run(process.argv.slice(2));
