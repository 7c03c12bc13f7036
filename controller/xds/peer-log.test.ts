import { beforeEach, expect, test } from "vitest";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { PeerLog } from "./peer-log.ts";

const tenMinutesMs = 10 * 60_000;
let clock: TestClock;
let log: TestLog;
let peerLog: PeerLog;

beforeEach(() => {
  clock = new TestClock(Date.UTC(2026, 0));
  log = new TestLog();
  peerLog = new PeerLog({ clock, log });
});

test("a line is told once for each peer, and again after ten minutes, when it was said how often it came", () => {
  for (let n = 0; n < 50; n++) peerLog.warn("10.0.0.7", "no token");
  peerLog.warn("10.0.0.7", "expired");
  peerLog.warn("[::1]", "no token");
  expect(log.lines.splice(0)).toEqual(["warn: no token", "warn: expired", "warn: no token"]);
  clock.advance(tenMinutesMs);
  expect(log.lines.splice(0)).toEqual(["warn: 49 more warnings like these of 10.0.0.7 since 2026-01-01T00:00:00.000Z"]);
  peerLog.warn("10.0.0.7", "no token");
  clock.advance(tenMinutesMs);
  expect(log.lines).toEqual(["warn: no token"]);
});

test("a peer that says something else each time fills neither log nor memory, and hides nobody", () => {
  for (let n = 0; n < 10_000; n++) peerLog.warn("10.0.0.7", `node.id says ${n}`);
  peerLog.warn("10.0.0.8", "no token");
  expect(log.lines.splice(0)).toEqual([
    ...Array.from({ length: 20 }, (_, n) => `warn: node.id says ${n}`),
    "warn: no token",
  ]);
  clock.advance(tenMinutesMs);
  expect(log.lines).toEqual(["warn: 9980 more warnings like these of 10.0.0.7 since 2026-01-01T00:00:00.000Z"]);
});

test("neither do many peers: of those beyond 500 a few lines are told, until ten minutes are over", () => {
  for (let n = 0; n < 5000; n++) peerLog.warn(`peer ${n}`, `no token ${n}`);
  expect(log.lines.splice(0)).toHaveLength(520);
  clock.advance(tenMinutesMs);
  expect(log.lines.splice(0)).toEqual([
    "warn: 4480 more warnings like these of other peers since 2026-01-01T00:00:00.000Z",
  ]);
  peerLog.warn("peer 4999", "no token 4999");
  expect(log.lines).toEqual(["warn: no token 4999"]);
});

test("a peer can't write lines of its own", () => {
  peerLog.warn("10.0.0.7", "node.id says a\nerror: all is lost");
  expect(log.lines).toEqual(["warn: node.id says a error: all is lost"]);
});

test("what was not told is summed up when the server stops", () => {
  for (const _ of [1, 2]) peerLog.warn("10.0.0.7", "no token");
  peerLog.close();
  clock.advance(tenMinutesMs);
  expect(log.lines).toEqual([
    "warn: no token",
    "warn: 1 more warnings like these of 10.0.0.7 since 2026-01-01T00:00:00.000Z",
  ]);
});
