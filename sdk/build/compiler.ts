// The AssemblyScript compiler, in this process: it is loaded once and stays warm.
import * as asc from "assemblyscript/asc";

// The SDK's runtime in the place of the one that asc has for `--runtime minimal`. A path as `--runtime` would do, but then asc
// 0.28 compiles for the shadow stack of `incremental`, which nobody reads.
asc.libraryFiles["rt/index-minimal"] = 'import "@sluice/sdk/assembly/runtime";';

export { asc };
