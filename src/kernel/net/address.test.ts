import { describe, expect, test } from "vitest";
import { formatIp, fromEndpoint, parseIp, toEndpoint } from "./address.ts";

describe("IPv6 text", () => {
  test.each([
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["fe80::", "fe800000000000000000000000000000"],
  ])("%s", (text, hex) => {
    const bytes = parseIp(text);
    expect(Buffer.from(bytes!).toString("hex")).toBe(hex);
    expect(formatIp(Buffer.from(hex, "hex"))).toBe(text);
  });

  test.each(["1::2::3", ":::", "12345::", "1:2:3", "1.2.3", "1.2.3.256", "::1.2.3", "g::"])("%s is none", (text) => {
    expect(parseIp(text)).toBeNull();
  });
});

test("an IPv6 socket's IPv4 addresses", () => {
  expect(toEndpoint({ family: "inet6", ip: "::ffff:10.0.0.1", port: 5 })).toEqual({ ip: "10.0.0.1", port: 5 });
  expect(fromEndpoint({ ip: "10.0.0.1", port: 5 }, "inet6").ip).toBe("::ffff:10.0.0.1");
});
