import { expect, test } from "vitest";
import { LineDiscipline } from "./line-discipline.ts";
import { CC, INPUT, LOCAL, OUTPUT, initialTermios } from "./termios.ts";
import type { Termios } from "./termios.ts";

/** A terminal of which everything can be seen: what is echoed, read, and done. */
function terminal(changes: (termios: Termios) => Partial<Termios> = () => ({})) {
  let echo = "";
  const events: string[] = [];
  const settings = initialTermios();
  const discipline = new LineDiscipline(
    { ...settings, ...changes(settings) },
    {
      send: (bytes) => (echo += Buffer.from(bytes).toString("latin1")),
      signal: (name) => events.push(name),
      interrupt: () => events.push("interrupt"),
      stopOutput: () => events.push("stop"),
      startOutput: () => events.push("start"),
    },
  );
  return {
    discipline,
    events,
    /** Types, and returns what the terminal shows of it. */
    type(text: string): string {
      echo = "";
      discipline.receive(Buffer.from(text, "latin1"));
      return echo;
    },
    read(most = 100): string {
      const into = new Uint8Array(most);
      return Buffer.from(into.subarray(0, discipline.read(into))).toString("latin1");
    },
    print(text: string): string {
      const out: number[] = [];
      for (const byte of Buffer.from(text, "latin1")) discipline.output.write(byte, out);
      return Buffer.from(out).toString("latin1");
    },
  };
}

const local =
  (set: number, clear = 0) =>
  (before: Termios) => ({ localFlags: (before.localFlags | set) & ~clear });

// What is expected here was seen on Linux 6.18.
test("a line can be read when it has ended, and is echoed as it is typed", () => {
  const tty = terminal();
  expect(tty.type("hi")).toBe("hi");
  expect(tty.discipline.hasLine).toBe(false);
  expect(tty.type("\r")).toBe("\r\n");
  expect(tty.read(2)).toBe("hi");
  expect(tty.read()).toBe("\n");
});

test("erasing: a character, one of two columns, a tab, all of the line, a word, a literal control character", () => {
  const tty = terminal();
  expect(tty.type("oa\tb\x7f\x7f\x7f\x7f\x7f")).toBe("oa\tb\b \b\b\b\b\b\b\b\b \b\b \b");
  expect(tty.type("aé\x15")).toBe("aé\b \b\b \b");
  expect(tty.type("abc def\x17")).toBe("abc def\b \b\b \b\b \b");
  expect(tty.type("\x12")).toBe("^R\r\nabc ");
  expect(tty.type("\x16\x03\x7fq\n")).toBe("^\b^C\b \b\b \bq\r\n");
  expect(tty.read()).toBe("abc q\n");
});

test("a tab is as wide as its place makes it, the prompt before the line included", () => {
  const tty = terminal();
  tty.print("prompt");
  expect(tty.type("\t\x7f")).toBe("\t\b\b");
});

test("IUTF8 erases a whole character and knows how many columns it had", () => {
  const tty = terminal((before) => ({ inputFlags: before.inputFlags | INPUT.IUTF8 }));
  expect(tty.type("a\xc3\xa9\x7f\n")).toBe("a\xc3\xa9\b \b\r\n");
  expect(tty.read()).toBe("a\n");
});

test("ECHOPRT prints what is erased between a backslash and a slash", () => {
  const tty = terminal(local(LOCAL.ECHOPRT));
  expect(tty.type("abc\x7f\x7fd\x7f\x7f\x7f")).toBe("abc\\cb/d\\da/");
  expect(tty.type("abc\x7f\x7f\n")).toBe("abc\\cb\r\n");
});

test("without ECHOE the erase and kill characters themselves are echoed", () => {
  const tty = terminal(local(0, LOCAL.ECHOE | LOCAL.ECHOKE));
  expect(tty.type("ab\x7f")).toBe("ab^?");
  expect(tty.type("\x15")).toBe("^U\r\n");
});

test("no echo: nothing is shown but, with ECHONL, the end of the line", () => {
  const tty = terminal(local(LOCAL.ECHONL, LOCAL.ECHO));
  expect(tty.type("secret\x7f\x15pass\n")).toBe("\r\n");
  expect(tty.read()).toBe("pass\n");
});

test("an end of file ends a line without being read, and is one where there is no line", () => {
  const tty = terminal();
  expect(tty.type("abc\x04")).toBe("abc");
  expect(tty.read()).toBe("abc");
  tty.type("\x04");
  expect(tty.discipline.hasLine).toBe(true);
  expect(tty.read()).toBe("");
  expect(tty.discipline.hasLine).toBe(false);
  // A buffer that is full with the line does not make an end of file of what follows.
  tty.type("abc\x04");
  expect(tty.read(3)).toBe("abc");
  expect(tty.discipline.hasLine).toBe(false);
  tty.type("abc\x04");
  expect([tty.read(2), tty.read(2)]).toEqual(["ab", "c"]);
});

test("the characters of signals drop what was typed, unless NOFLSH", () => {
  const tty = terminal();
  expect(tty.type("abc\x03")).toBe("^C");
  expect(tty.events).toEqual(["interrupt", "SIGINT", "start"]);
  tty.type("x\n");
  expect(tty.read()).toBe("x\n");
  const gentle = terminal(local(LOCAL.NOFLSH));
  expect(gentle.type("ab\x1acd\n")).toBe("ab^Zcd\r\n");
  expect(gentle.events).toEqual(["SIGTSTP", "start"]);
  expect(gentle.read()).toBe("abcd\n");
});

test("without ISIG, ICANON and IXON every character is read as it comes", () => {
  const tty = terminal(() => ({ localFlags: 0, inputFlags: 0 }));
  expect(tty.type("\x03\x04\x7f\r\x13")).toBe("");
  expect(tty.read()).toBe("\x03\x04\x7f\r\x13");
  expect(tty.events).toEqual([]);
});

test("^S and ^Q stop and start output and are not read; with IXANY anything starts it", () => {
  const tty = terminal();
  tty.type("\x13a\x11");
  expect(tty.events).toEqual(["stop", "start"]);
  const any = terminal((before) => ({ inputFlags: before.inputFlags | INPUT.IXANY }));
  any.type("\x13a");
  expect(any.events).toEqual(["stop", "start"]);
});

test("input is mapped: CR, NL, eighth bit, capitals, and 0xff doubled by PARMRK", () => {
  const input = (inputFlags: number) => terminal(() => ({ inputFlags, localFlags: LOCAL.IEXTEN }));
  const map = (flags: number, text: string) => {
    const tty = input(flags);
    tty.type(text);
    return tty.read();
  };
  expect(map(INPUT.IGNCR, "a\rb")).toBe("ab");
  expect(map(INPUT.ICRNL, "a\rb")).toBe("a\nb");
  expect(map(INPUT.INLCR, "a\nb")).toBe("a\rb");
  expect(map(INPUT.ISTRIP, "\xe1")).toBe("a");
  expect(map(INPUT.IUCLC, "AbC")).toBe("abc");
  expect(map(INPUT.PARMRK, "\xff")).toBe("\xff\xff");
});

test("output is mapped, and columns are counted", () => {
  const output = (outputFlags: number) => terminal(() => ({ outputFlags }));
  expect(output(OUTPUT.OPOST | OUTPUT.ONLCR).print("a\nb")).toBe("a\r\nb");
  expect(output(OUTPUT.ONLCR).print("a\nb")).toBe("a\nb");
  expect(output(OUTPUT.OPOST | OUTPUT.OCRNL).print("a\rb")).toBe("a\nb");
  expect(output(OUTPUT.OPOST | OUTPUT.ONOCR).print("\ra\r")).toBe("a\r");
  expect(output(OUTPUT.OPOST | OUTPUT.OLCUC).print("aZ")).toBe("AZ");
  expect(output(OUTPUT.OPOST | OUTPUT.XTABS).print("ab\tc")).toBe("ab      c");
});

test("a line without an end never fills up: the bell rings, and the end still comes through", () => {
  const tty = terminal((before) => ({ inputFlags: before.inputFlags | INPUT.IMAXBEL }));
  expect(tty.type("x".repeat(5000))).toBe("x".repeat(4095) + "\x07".repeat(905));
  tty.type("\n");
  expect(tty.read(10000)).toBe(`${"x".repeat(4095)}\n`);
});

test("once lines wait to be read, a full queue takes nothing more in", () => {
  const { discipline } = terminal();
  const lines = Buffer.from("line\n".repeat(1000));
  const taken = discipline.receive(lines);
  expect(taken).toBe(4095);
  const into = new Uint8Array(100);
  for (let n = 0; n < 819; n++) expect(discipline.read(into)).toBe(5);
  expect(discipline.receive(lines.subarray(taken))).toBe(905);
});

test("leaving canonical mode makes the unfinished line readable; coming back makes one line of what is there", () => {
  const tty = terminal();
  tty.type("one\ntw");
  const canonical = tty.discipline.termios;
  tty.discipline.termios = { ...canonical, localFlags: canonical.localFlags & ~LOCAL.ICANON };
  expect(tty.discipline.available).toBe(6);
  tty.discipline.termios = canonical;
  expect(tty.read()).toBe("one\ntw");
});

test("a control character can be changed or switched off", () => {
  const tty = terminal(({ controlCharacters }) => {
    const changed = controlCharacters.slice();
    changed[CC.VERASE] = 0x08;
    changed[CC.VINTR] = 0;
    changed[CC.VEOL] = 0x3b;
    return { controlCharacters: changed };
  });
  expect(tty.type("ab\x08\x03;")).toBe("ab\b \b^C;");
  expect(tty.read()).toBe("a\x03;");
  expect(tty.events).toEqual([]);
});
