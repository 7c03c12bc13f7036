import { expect, test } from "vitest";
import { formatComplaint } from "./format-string.ts";

test.each`
  text                         | complaint
  ${"%REQ(x-a)%"}              | ${undefined}
  ${"100%%"}                   | ${undefined}
  ${"100%"}                    | ${"what begins at column 4 is no command; a % is written %%"}
  ${"%PROTOCOL"}               | ${"what begins at column 1 is no command; a % is written %%"}
  ${"%BYTES_SENT:5%"}          | ${"what begins at column 1 is no command; a % is written %%"}
  ${"%NOPE%"}                  | ${"the command %NOPE% is not supported; %CEL(…)% has all attributes"}
  ${"%PROTOCOL(x)%"}           | ${"%PROTOCOL% takes no argument here"}
  ${"%REQ%"}                   | ${"%REQ()%: takes the name of a header, or name?other"}
  ${"%REQ(a?b?c)%"}            | ${"%REQ()%: takes the name of a header, or name?other"}
  ${"%PROTOCOL% %CEL(a ==)%"}  | ${"%CEL()%: not an expression in CEL: end of input at column 5 can't stand there"}
  ${"%FILTER_STATE(a:TYPED)%"} | ${"%FILTER_STATE()%: takes key:PLAIN"}
`("$text: $complaint", ({ text, complaint }) => expect(formatComplaint(text)).toBe(complaint));
