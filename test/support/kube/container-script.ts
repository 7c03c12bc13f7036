// How a container is made of an ordinary process: network, mount and process namespaces, a root of its own over this machine's
// files, volumes mounted into it, and the user and capabilities that its pod asks for.
import type { V1Container, V1Pod } from "@kubernetes/client-node";
import { diesWithUs } from "./daemon.ts";
import type { Image } from "./images.ts";
import { quote } from "./sh.ts";

/** Capabilities of a container that names none; what Docker and containerd give to root. */
const capabilitiesDefault = (
  "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod " +
  "audit_write setfcap"
).split(" ");

/** Where containers find the folder with `hosts` and `resolv.conf`; a folder, so that a new file can replace an old one. */
export const namesDir = "/run/kube";

export interface Mount {
  /** File or folder of this machine. */
  readonly source: string;
  /** Absolute path in the container; made where it is not there. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Plan {
  readonly netns: string;
  /** Any empty folder: the container's root is mounted on it, in its own mount namespace. */
  readonly rootDir: string;
  readonly mounts: readonly Mount[];
  readonly env: ReadonlyMap<string, string>;
  readonly argv: readonly string[];
  readonly workingDir: string;
  readonly readOnlyRoot: boolean;
  readonly user: User;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** In lower case, without `CAP_`; `undefined` for all. */
  readonly capabilities: readonly string[] | undefined;
  readonly noNewPrivileges: boolean;
}

/** @throws where the image's user is root and the pod forbids that */
export function userOf(pod: V1Pod, container: V1Container, image: Image): User {
  const general = pod.spec?.securityContext;
  const own = container.securityContext;
  const uid = own?.runAsUser ?? general?.runAsUser ?? image.uid ?? 0;
  if (uid === 0 && (own?.runAsNonRoot ?? general?.runAsNonRoot) === true)
    throw new Error("container has runAsNonRoot and image will run as root");
  const name = (capability: string): string => capability.toLowerCase().replace(/^cap_/, "");
  const dropped = (own?.capabilities?.drop ?? []).map(name);
  const kept = dropped.includes("all") ? [] : capabilitiesDefault.filter((one) => !dropped.includes(one));
  return {
    uid,
    gid: own?.runAsGroup ?? general?.runAsGroup ?? 0,
    groups: [...(general?.supplementalGroups ?? []), ...(general?.fsGroup === undefined ? [] : [general.fsGroup])],
    capabilities:
      own?.privileged === true ? undefined : [...new Set([...kept, ...(own?.capabilities?.add ?? []).map(name)])],
    noNewPrivileges: own?.allowPrivilegeEscalation === false,
  };
}

/**
 * The command that starts a container and ends with it. When all is mounted and its program is about to run, it writes the
 * first process's id, as this machine sees it, to descriptor 3. In the container that is process 1, as in a real one: a
 * signal for which it has no handler does nothing, and all other processes end with it.
 */
export function containerCommand(plan: Plan): readonly [string, ...string[]] {
  const enter = [
    "nsenter",
    `--net=/run/netns/${plan.netns}`,
    "unshare",
    "--mount",
    "--propagation=private",
    "--pid",
    "--kill-child",
  ];
  return [...diesWithUs, ...enter, "sh", "-euc", containerScript(plan)];
}

function containerScript({ rootDir, mounts, env, argv, workingDir, readOnlyRoot, user }: Plan): string {
  const readOnly = ["/", "/tmp"].filter((dir) => !mounts.some(({ target }) => target === dir));
  const variables = [...env].map(([name, value]) => quote(`${name}=${value}`));
  return [
    "umask 022",
    "read -r pid rest < /proc/self/stat", // still this machine's /proc
    `mount -t tmpfs -o mode=0755 tmpfs ${quote(rootDir)}`,
    `cd ${quote(rootDir)}`,
    "mkdir upper work root",
    "mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root",
    "cd root",
    "mkdir -p .host proc sys dev tmp",
    "for dir in sys dev; do mount --rbind /$dir $dir; done",
    "mount -t proc proc proc",
    "mount -t tmpfs tmpfs dev/shm",
    "mount -t tmpfs -o mode=1777 tmpfs tmp",
    "pivot_root . .host",
    "cd /",
    "put() {",
    '  if [ -d "/.host$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; [ -e "$2" ] || : > "$2"; fi',
    '  mount --rbind "/.host$1" "$2"',
    '  [ "$3" = rw ] || mount -o remount,bind,ro "$2"',
    "}",
    ...mounts.map((one) => `put ${quote(one.source)} ${quote(one.target)} ${one.readOnly ? "ro" : "rw"}`),
    ...["hosts", "resolv.conf"].map((file) => `ln -sf ${namesDir}/${file} /etc/${file}`),
    `mkdir -p ${quote(workingDir)}`,
    "umount -l /.host",
    ...(readOnlyRoot ? readOnly.map((dir) => `mount -o remount,bind,ro ${dir}`) : []),
    `cd ${quote(workingDir)}`,
    "echo $pid >&3",
    "exec 3>&-",
    ["exec /usr/bin/env -i", ...variables, "/usr/bin/setpriv", ...userArguments(user), "--", ...argv.map(quote)].join(
      " ",
    ),
  ].join("\n");
}

/** What `setpriv` is told. The death signal comes last, because a change of user clears it. */
export function userArguments({ uid, gid, groups, capabilities, noNewPrivileges }: User): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups.length > 0 ? `--groups=${groups.join(",")}` : "--clear-groups",
    ...(capabilities
      ? ["--inh-caps=-all", `--bounding-set=${["-all", ...capabilities.map((one) => `+${one}`)].join(",")}`]
      : []),
    ...(noNewPrivileges ? ["--no-new-privs"] : []),
    "--pdeathsig=KILL",
  ];
}
