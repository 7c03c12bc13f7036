// Stands in for the controller where only its life matters: says once what it was started with.
import { argv } from "node:process";

console.log(`controller: ${argv.slice(2).join(" ")}`);
setInterval(() => {}, 60_000);
