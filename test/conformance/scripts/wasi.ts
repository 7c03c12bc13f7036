// WASI: what Envoy does of it, and how it refuses the rest.
import type { Script } from "../script.ts";

export const wasi: readonly Script[] = [
  {
    title: "fd_write logs: standard output as info, error as error, one line break at the end cut",
    on: {
      request_headers:
        "fd_write(1, 'out')\nfd_write(2, 'error\\x0a')\nfd_write(1, 'two\\x0a\\x0a')\nfd_write(1, '')\nfd_write(0, 'x')\nfd_write(3, 'x')\nfd_write(-1, 'x')",
    },
  },
  { title: "fd_write of what lies outside the memory", on: { request_headers: "fd_write(1, @nowhere)" } },
  { title: "fd_pwrite", on: { request_headers: "fd_pwrite(1, &0, 0, 0, &64)\nfd_pwrite(5, &0, 0, 0, &64)" } },
  {
    title: "random_get",
    on: { request_headers: "random_get(&0, 8)\nrandom_get(&0, 0)\nrandom_get(&0, 65537)\nrandom_get(4294967280, 100)" },
  },
  {
    title: "fd_fdstat_get",
    on: {
      request_headers:
        "fd_fdstat_get(1, &0)\nshow &0 24\nfd_fdstat_get(2, &0)\nfd_fdstat_get(0, &0)\nfd_fdstat_get(3, &0)",
    },
  },
  {
    title: "reading and seeking",
    on: {
      request_headers:
        "fd_read(0, &0, 0, &64)\nfd_read(1, &0, 0, &64)\nfd_pread(1, &0, 0, 0, &64)\nfd_seek(1, 0, 0, &64)\nfd_seek(0, 0, 0, &64)\nfd_tell(1, &64)\nfd_tell(0, &64)",
    },
  },
  {
    title: "closing and renumbering",
    on: {
      request_headers: "fd_close(0)\nfd_close(1)\nfd_close(9)\nfd_renumber(1, 2)\nfd_renumber(1, 9)\nfd_renumber(0, 1)",
    },
  },
  {
    title: "flags and rights",
    on: {
      request_headers:
        "fd_fdstat_set_flags(1, 0)\nfd_fdstat_set_flags(9, 0)\nfd_fdstat_set_rights(1, 0, 0)\nfd_fdstat_set_rights(9, 0, 0)",
    },
  },
  {
    title: "advice, allocation and sync",
    on: {
      request_headers:
        "fd_advise(1, 0, 0, 0)\nfd_advise(9, 0, 0, 0)\nfd_allocate(1, 0, 0)\nfd_allocate(9, 0, 0)\nfd_datasync(1)\nfd_datasync(9)\nfd_sync(1)\nfd_sync(9)",
    },
  },
  {
    title: "file stats",
    on: {
      request_headers:
        "fd_filestat_get(1, &0)\nfd_filestat_get(9, &0)\nfd_filestat_set_size(1, 0)\nfd_filestat_set_size(9, 0)\nfd_filestat_set_times(1, 0, 0, 0)\nfd_filestat_set_times(9, 0, 0, 0)",
    },
  },
  {
    title: "folders",
    on: {
      request_headers:
        "fd_prestat_get(3, &0)\nfd_prestat_dir_name(3, &0, 8)\nfd_readdir(3, &0, 64, 0, &64)\nfd_readdir(1, &0, 64, 0, &64)",
    },
  },
  {
    title: "paths",
    on: {
      request_headers: `
        path_open(3, 0, &0, 1, 0, 0, 0, 0, &64)
        path_create_directory(3, &0, 1)
        path_filestat_get(3, 0, &0, 1, &64)
        path_filestat_set_times(3, 0, &0, 1, 0, 0, 0)
        path_link(3, 0, &0, 1, 3, &8)
        path_readlink(3, &0, 1, &8, 8, &64)
        path_remove_directory(3, &0, 1)
        path_rename(3, &0, 1, 3, &8, 1)
        path_symlink(&0, 1, 3, &8)
        path_unlink_file(3, &0, 1)`,
    },
  },
  {
    title: "sockets",
    on: {
      request_headers:
        "sock_accept(3, 0, &0)\nsock_recv(3, &0, 1, 0, &8, &16)\nsock_send(3, &0, 1, 0, &8)\nsock_shutdown(3, 0)",
    },
  },
  {
    title: "yielding, polling, and proc_exit, after which the program goes on",
    on: { request_headers: "sched_yield()\npoll_oneoff(0, 0, 0)\nproc_exit(1)\nlog(2, 'still here')" },
  },
];
