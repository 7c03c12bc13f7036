// EDGE. The process in which modules are tried out: see preflight.ts. A module may block this thread for ever, so a
// second thread keeps the deadline, also when the parent has died.
import { argv, pid } from "node:process";
import { Worker } from "node:worker_threads";
import { check, type Job } from "./check.ts";

const watchdog = new Worker(
  `const { parentPort, workerData } = require("node:worker_threads");
   let timer;
   parentPort.on("message", (busy) => {
     clearTimeout(timer);
     if (busy) timer = setTimeout(() => process.kill(workerData.pid, "SIGKILL"), workerData.deadlineMs);
   });`,
  { eval: true, workerData: { pid, deadlineMs: Number(argv[2]) } },
);

process.on("message", async (job: Job) => {
  watchdog.postMessage(true);
  const checked = await check(job);
  watchdog.postMessage(false);
  process.send?.(checked);
});
process.on("disconnect", () => process.exit());
