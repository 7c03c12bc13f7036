// Zipkin itself, in the tool cache: a jar of Maven Central.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached, say } from "../../setup/cache.mjs";

const version = "3.4.4";
const sha256 = "45530b0d895d7b56fffa5f6385f4bd45a6b8aa3c57e1c2bda4b4bb1225881333";

/** What it takes and this machine has not; `undefined`: nothing. */
export function zipkinObstacle(): string | undefined {
  const missing = [["java", "-version"] as const, ["mvn", "--version"] as const].filter(
    ([program, flag]) => spawnSync(program, [flag]).status !== 0,
  );
  return missing.length > 0 ? `it takes ${missing.map(([program]) => program).join(" and ")}` : undefined;
}

/** The command that starts it on `$PORT` of `$HOST`, 9411 everywhere by default; fetches it where it is not there. */
export function zipkinCommand(): readonly string[] {
  const entry = cached(`zipkin-${version}-${sha256.slice(0, 12)}`, (dir) => {
    say(`fetching Zipkin ${version} (87 MB, once a machine)`);
    const artifact = `-Dartifact=io.zipkin:zipkin-server:${version}:jar:exec`;
    execFileSync("mvn", ["-q", "-B", "dependency:copy", artifact, `-DoutputDirectory=${dir}`], { stdio: "pipe" });
    const found = createHash("sha256")
      .update(readFileSync(jarIn(dir)))
      .digest("hex");
    if (found !== sha256) throw new Error(`Zipkin's jar has the digest ${found}, not ${sha256}`);
  });
  const start = `exec java -Xmx256m -jar ${jarIn(entry)} --server.address="\${HOST:-0.0.0.0}" --server.port="\${PORT:-9411}"`;
  return ["sh", "-c", start];
}

function jarIn(dir: string): string {
  return join(dir, `zipkin-server-${version}-exec.jar`);
}
