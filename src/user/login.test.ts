import { describe, expect, test } from "vitest";
import { view } from "../kernel/fs/testing.ts";
import { findAlongPath, withHome } from "./login.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000::/home/me:/bin/sh\nodd:x:7:7::\n";

describe("a login", () => {
  test("HOME is the user's in /etc/passwd, unless it is set", () => {
    const fs = view({ files: { "/etc/passwd": PASSWD } });
    expect(withHome(fs, 1000, ["A=1"])).toEqual(["A=1", "HOME=/home/me"]);
    expect(withHome(fs, 1000, ["HOME=/x"])).toEqual(["HOME=/x"]);
    expect(withHome(fs, 7, [])).toEqual(["HOME=/"]);
    expect(withHome(view(), 0, [])).toEqual(["HOME=/root"]);
    expect(withHome(view(), 1, [])).toEqual(["HOME=/"]);
  });

  test("a bare name is looked for along PATH", () => {
    const fs = view({ files: { "/opt/b/tool": "x", "/opt/b/other": "x" } });
    const env = ["PATH=/opt/a:/opt/b"];
    expect(findAlongPath(fs, "tool", env)).toBe("/opt/b/tool");
    expect(findAlongPath(fs, "./tool", env)).toBe("./tool");
    expect(findAlongPath(fs, "missing", env)).toBe("missing");
  });
});
