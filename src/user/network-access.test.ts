import { describe, expect, test } from "vitest";
import { networkAccess, parseNetRule } from "./network-access.ts";

describe("a rule", () => {
  test.each([
    ["example.org:443", "example.org", 443],
    ["10.0.0.1", "10.0.0.1", null],
    [":8080", null, 8080],
    ["*:53", null, 53],
    ["[::1]:80", "::1", 80],
    ["2001:db8::1", "2001:db8::1", null],
    ["*", null, null],
  ])("%s", (text, host, port) => {
    expect(parseNetRule(text)).toEqual({ host, port });
  });

  test.each(["", "a:b:c", "host:0", "host:70000", "http://host", "[name]:1", "a b"])("%s is none", (text) => {
    expect(() => parseNetRule(text)).toThrow(RangeError);
  });
});

test("names are looked up before the program starts, and stand in its /etc/hosts", async () => {
  const { permission, files } = await networkAccess(["localhost:8080"], "here");
  expect(permission.permits({ ip: "127.0.0.1", port: 8080 }) || permission.permits({ ip: "::1", port: 8080 })).toBe(
    true,
  );
  expect(permission.permits({ ip: "127.0.0.1", port: 8081 })).toBe(false);
  expect(files["/etc/hosts"]).toContain("127.0.1.1 here\n");
  expect(files).not.toHaveProperty("/etc/resolv.conf");
});
