import { expect, test } from "vitest";
import { isInterfaceName, parseRange } from "./network.ts";

test.each`
  text              | range
  ${"10.0.0.0/8"}   | ${{ family: 4, isLoopback: false }}
  ${"10.1.2.3"}     | ${{ family: 4, isLoopback: false }}
  ${"127.1.2.3/32"} | ${{ family: 4, isLoopback: true }}
  ${"fd00::/8"}     | ${{ family: 6, isLoopback: false }}
  ${"::1"}          | ${{ family: 6, isLoopback: true }}
  ${"0:0::1/128"}   | ${{ family: 6, isLoopback: true }}
  ${"::/0"}         | ${{ family: 6, isLoopback: false }}
  ${"10.0.0.0/33"}  | ${undefined}
  ${"fd00::/129"}   | ${undefined}
  ${"10.0.0.0/8/8"} | ${undefined}
  ${"10.0.0.0/"}    | ${undefined}
  ${"10.0.0/8"}     | ${undefined}
  ${"10.0.0.256"}   | ${undefined}
  ${"a::b::c"}      | ${undefined}
  ${"*"}            | ${undefined}
  ${""}             | ${undefined}
`('"$text": $range', ({ text, range }) => {
  expect(parseRange(text)).toEqual(range);
});

test.each`
  text                  | is
  ${"eth0"}             | ${true}
  ${"eth0.100"}         | ${true}
  ${"eth+"}             | ${true}
  ${"-x"}               | ${true}
  ${"a!"}               | ${true}
  ${"fifteen-letters"}  | ${true}
  ${"sixteen--letters"} | ${false}
  ${"über-15-byte-xy"}  | ${false}
  ${""}                 | ${false}
  ${"."}                | ${false}
  ${".."}               | ${false}
  ${"a/b"}              | ${false}
  ${"eth0:1"}           | ${false}
  ${"a b"}              | ${false}
  ${"a\nb"}             | ${false}
  ${'a"b'}              | ${false}
  ${"!eth0"}            | ${false}
  ${"+"}                | ${false}
`("an interface $text: $is", ({ text, is }) => {
  expect(isInterfaceName(text)).toBe(is);
});
