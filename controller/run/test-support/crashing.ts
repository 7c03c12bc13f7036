// A runner that is killed by the test: prints its state folder once its pods are there.
import { testRunner, workload } from "./runner.ts";

const { runner, runFolder } = testRunner(workload("web"));
await runner.start();
console.log(runFolder);
