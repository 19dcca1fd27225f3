/**
 * File names are bytes, not text. Inside the kernel they are *byte strings*: JavaScript strings in which each character
 * is one byte (latin1), so that a name that is not UTF-8 survives, and a name is a cheap map key.
 */
export type ByteString = string;

/** The byte string of these bytes (without a terminating NUL). */
export function fromBytes(bytes: Uint8Array): ByteString {
  const { length } = bytes;
  if (length <= SHORT) {
    let text = "";
    for (let n = 0; n < length; n++) text += CHARACTERS[bytes[n] as number];
    return text;
  }
  // Buffer's own method on any bytes: a Buffer of them would cost more than the string.
  return latin1Slice.call(bytes as Buffer, 0, length);
}

/** So many bytes are a string sooner than a call out of JavaScript is made. */
const SHORT = 12;
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

const { latin1Slice } = Buffer.prototype;

export function toBytes(name: ByteString): Buffer<ArrayBuffer> {
  return Buffer.from(name, "latin1");
}

/** The byte string of a JavaScript text, encoded as UTF-8: for paths that come from the command line or a library call. */
export function fromText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** For messages only: bytes that are not UTF-8 become U+FFFD. */
export function toText(name: ByteString): string {
  return isAscii(name) ? name : toBytes(name).toString("utf8");
}

const BEYOND_ASCII = /[^\0-\x7f]/;

export function isAscii(name: string): boolean {
  return !BEYOND_ASCII.test(name);
}
