import { expect, test } from "vitest";
import { Credentials } from "../kernel/credentials.ts";
import { errno } from "../kernel/errno.ts";
import { Dentry, Mount, Path } from "../kernel/fs/dentry.ts";
import { O } from "../kernel/fs/flags.ts";
import { DevPts } from "../kernel/tty/devpts.ts";
import { CC, INPUT, LOCAL } from "../kernel/tty/termios.ts";
import { ROOM, testCalls } from "./call.test-support.ts";
import { TERMINAL_REQUESTS } from "./terminals.ts";

test("what TIOCSLCKTRMIOS has locked stays as it is, whatever is asked for; only root locks", () => {
  const calls = testCalls([]);
  const root = new Credentials(0, 0, []);
  const devpts = new DevPts(() => calls.clock.monotonic());
  const dentry = new Dentry(null, "", devpts.root);
  const master = devpts.openMaster(new Path(new Mount(devpts, dentry, null), dentry), O.RDWR, root);
  const request = (name: string) => TERMINAL_REQUESTS[name]!(calls.context, master, ROOM, 3);
  const struct = calls.context.abi.structs.termios;
  const fields = () => struct.read(calls.memory, ROOM);
  const { guest } = calls.context.abi.constants.controlCharacter;
  const control = (name: string) => ROOM + struct.offsetOf("c_cc") + guest[name]!;

  request("TIOCGLCKTRMIOS");
  expect(calls.memory.readBytes(ROOM, struct.size)).toEqual(new Uint8Array(struct.size));
  struct.write(calls.memory, ROOM, { ...fields(), c_lflag: LOCAL.ECHO, c_iflag: INPUT.ICRNL });
  calls.memory.writeU8(control("VEOF"), 1);
  expect(() => request("TIOCSLCKTRMIOS")).toThrow(errno.EPERM);
  calls.context.task.credentials = root;
  request("TIOCSLCKTRMIOS");

  request("TCGETS");
  const before = fields();
  struct.write(calls.memory, ROOM, { ...before, c_lflag: 0, c_iflag: 0 });
  for (const name of ["VEOF", "VINTR"]) calls.memory.writeU8(control(name), 7);
  request("TCSETS");
  const { inputFlags, localFlags, controlCharacters } = master.terminal!.getAttributes();
  expect([inputFlags, localFlags]).toEqual([INPUT.ICRNL, LOCAL.ECHO]);
  expect([controlCharacters[CC.VEOF], controlCharacters[CC.VINTR]]).toEqual([4, 7]);

  request("TIOCGLCKTRMIOS");
  expect([fields().c_iflag, fields().c_oflag, fields().c_lflag]).toEqual([INPUT.ICRNL, 0, LOCAL.ECHO]);
  expect(calls.memory.readU8(control("VEOF"))).toBe(1);
});
