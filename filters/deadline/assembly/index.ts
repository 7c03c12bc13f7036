// Carries the time that a request has left from hop to hop, and ends what can no longer be of use. See ../README.md.
import { registerPlugin } from "@sluice/sdk/assembly";
import { DeadlinePlugin } from "./plugin";

registerPlugin(() => new DeadlinePlugin());
