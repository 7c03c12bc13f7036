import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { FileRootStore } from "../ca/file-root-store.ts";
import { openAuthority } from "../ca/open-authority.ts";
import { runTokens } from "../ca/run-token.ts";
import { runTokenKey } from "../ca/run-token-key.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { RunIdentity, renewMs } from "./identity.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the controller believes a run's tokens and the run its authority, after a restart of either", async () => {
  const clock = new TestClock(Date.UTC(2026, 0, 1));
  const pod = { namespace: "shop", serviceAccount: "web", pod: { name: "web-1", uid: "u-1" } };
  const identity = await RunIdentity.open(folder, clock);
  expect(await identity.roots()).toBe("");
  const authenticate = runTokens(await runTokenKey(join(folder, "token-key")), clock);
  const token = await identity.token(pod);
  expect(await authenticate(token)).toEqual({ caller: { ...pod, expiresAtMs: clock.nowMs() + 2 * renewMs } });
  clock.advance(renewMs);
  const again = await (await RunIdentity.open(folder, clock)).token(pod);
  clock.advance(renewMs);
  expect(await authenticate(token)).toMatchObject({ code: "UNAUTHENTICATED" });
  expect(await authenticate(again)).toMatchObject({ caller: pod });

  const store = new FileRootStore(join(folder, "root"));
  const { roots } = await openAuthority({ store, trustDomain: "cluster.local", clock, log: new TestLog() });
  expect(await identity.roots()).toBe(roots);
});
