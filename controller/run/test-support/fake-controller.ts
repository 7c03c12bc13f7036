// Stands in for the controller where only its life matters: says what it was started with, and listens for Envoys.
import { createServer } from "node:net";
import { argv } from "node:process";

console.log(`controller: ${argv.slice(2).join(" ")}`);
createServer().listen(Number(argv[argv.indexOf("--xds-port") + 1]), "127.0.0.1");
