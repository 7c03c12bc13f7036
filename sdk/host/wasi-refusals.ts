// WASI calls on files and sockets: Envoy has neither, and answers each with an errno.
// @see proxy-wasm-cpp-host src/exports.cc
import type { Memory } from "./memory.ts";
import type { Hostcalls } from "./scope.ts";

const [badf, notdir, noent, nosys, notsup] = [8, 20, 44, 52, 58];

/** Calls that answer the same errno whatever they are asked. 0 stands where Envoy pretends success. */
const answers = {
  fd_read: nosys,
  fd_seek: 0,
  fd_close: 0,
  fd_fdstat_set_flags: nosys,
  fd_advise: 0,
  fd_filestat_get: badf,
  fd_pread: nosys,
  fd_prestat_get: badf,
  fd_prestat_dir_name: nosys,
  path_create_directory: notsup,
  path_filestat_get: notsup,
  path_filestat_set_times: notsup,
  path_link: notsup,
  path_open: noent,
  path_readlink: notsup,
  path_remove_directory: notsup,
  path_rename: notsup,
  path_symlink: notsup,
  path_unlink_file: notsup,
  sock_accept: notsup,
  sock_recv: notsup,
  sock_send: notsup,
  sock_shutdown: notsup,
  sched_yield: 0,
};

/** Calls that only look at their descriptor: success for standard output and error, EBADF for any other. */
const onOutputOnly = ["fd_allocate", "fd_datasync", "fd_fdstat_set_rights", "fd_filestat_set_size"].concat(
  "fd_filestat_set_times",
  "fd_sync",
);

export function wasiRefusals(memory: Memory): Hostcalls {
  const isOutput = (fd: number) => fd === 1 || fd === 2;
  const fixed = Object.entries(answers).map(([name, errno]) => [name, () => errno] as const);
  const onOutput = onOutputOnly.map((name) => [name, (fd: number) => (isOutput(fd) ? 0 : badf)] as const);
  return {
    ...Object.fromEntries(fixed),
    ...Object.fromEntries(onOutput),
    fd_readdir: (_fd: number, _out: number, _size: number, _cookie: bigint, usedOut: number) =>
      memory.writeWord(usedOut, 0) ? notdir : 21,
    fd_renumber: (from: number, to: number) => (isOutput(from) && isOutput(to) ? notsup : badf),
    fd_tell: (fd: number, out: number) => {
      if (!isOutput(fd)) return badf;
      return memory.write(out, "\0".repeat(8)) ? 0 : 21;
    },
    /** It does not end the program: what follows it runs. */
    proc_exit: () => undefined,
  };
}
