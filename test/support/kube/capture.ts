// What travels through the node: between pods, and between them and this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";

/** Ethernet frames of all interfaces, each with its length before it. Ends when told to and nothing waits to be read. */
const program = `
import select, socket, struct, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
with open(sys.argv[1], "wb") as file:
    print("capturing", flush=True)
    while True:
        ready, _, _ = select.select([wire, sys.stdin], [], [])
        if wire not in ready:
            break
        frame = wire.recv(1 << 17)
        file.write(struct.pack(">I", len(frame)) + frame)
`;

export interface Packet {
  readonly source: string;
  readonly target: string;
  /** What IP carries. */
  readonly bytes: Buffer;
}

/** @returns what went by while `during` ran: the IPv4 packets, each at least once */
export async function capture(cluster: Cluster, during: () => Promise<unknown>): Promise<readonly Packet[]> {
  const file = join(cluster.dir, "capture");
  const command = ["netns", "exec", cluster.nodeNetns, "python3", "-c", program, file];
  const child = spawn("ip", command, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  try {
    const [said] = await Promise.race([once(child.stdout, "data"), ended]);
    if (!Buffer.isBuffer(said)) throw new Error(`ip ${command.slice(0, 4).join(" ")} ended with ${said}`);
    await during();
  } finally {
    child.stdin.end();
    await ended;
  }
  return packetsOf(await readFile(file));
}

/** @see RFC 791, section 3.1, behind the 14 bytes of an Ethernet header */
function packetsOf(frames: Buffer): readonly Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < frames.length; ) {
    const start = at + 4;
    at = start + frames.readUInt32BE(at);
    const frame = frames.subarray(start, at);
    if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) continue;
    const address = (offset: number): string => [...frame.subarray(offset, offset + 4)].join(".");
    packets.push({ source: address(26), target: address(30), bytes: frame.subarray(34) });
  }
  return packets;
}
