/**
 * Decode tables: one row an instruction, with its bits written as the architecture manual prints them.
 *
 *     addu   000000 sssss ttttt ddddd 00000 100001   rd,rs,rt
 *
 * `0` and `1` must match, `-` is ignored, a letter is a field (upper and lower case differ). A letter that comes back
 * after other bits goes on with the same field, most significant bits first, as in Thumb's `i:imm3:imm8`. Spaces are
 * for the reader. Of several rows that match a word, the one that fixes the most bits is meant, so that a special case
 * (`move` for `or rd,rs,zero`) is simply another row.
 */

/** What the engine needs of a row; an ISA's own row type adds the meaning. */
export interface Row {
  /** Assembler name; `{name}` in it is replaced as in `operands`. */
  readonly mnemonic: string;
  /** The encoding, 16 or 32 bits. */
  readonly bits: string;
  /**
   * Assembler operands: each word that the ISA's `OperandFormats` knows is replaced, the rest is copied. Braces set off
   * a word that touches another.
   */
  readonly operands: string;
  /** The chapter of the manual, for the generated documentation. */
  readonly group: string;
  /** A condition on fields that bits alone cannot say ("pos + size <= 32"); where it fails, the row does not match. */
  readonly when?: (fields: Fields) => boolean;
}

/** Field values of one instruction by letter, unsigned. */
export type Fields = Readonly<Record<string, number>>;

type Fixed = "0" | "1" | "-" | " ";
type Letters<B extends string, Found = never> = string extends B
  ? string
  : B extends `${infer Head}${infer Tail}`
    ? Letters<Tail, Head extends Fixed ? Found : Found | Head>
    : Found;
/** The fields that a pattern literal declares: `FieldsOf<"0000 dddd ssss">` is `{ d: number; s: number }`. */
export type FieldsOf<B extends string> = { readonly [L in Letters<B> & string]: number };

/** One contiguous piece of a field. */
interface Piece {
  readonly letter: string;
  /** Where the piece's lowest bit is in the word. */
  readonly shift: number;
  readonly mask: number;
  /** Where it goes in the field's value. */
  readonly up: number;
}

/** A row with its bits compiled. */
export interface Pattern<R extends Row> {
  readonly row: R;
  /** Number of bits: 16 or 32. */
  readonly width: number;
  /** `word & mask` must equal `value`; both as signed 32-bit numbers. */
  readonly mask: number;
  readonly value: number;
  /** How many bits are fixed, and a half for a condition: the greater, the more special. */
  readonly rank: number;
  /** Where the fields are; found out when the pattern first matches, so that start-up stays short. */
  pieces: readonly Piece[] | undefined;
}

const SPACE = 0x20;
const DASH = 0x2d;
const ZERO = 0x30;
const ONE = 0x31;

function isLetter(code: number): boolean {
  const upper = code & ~0x20;
  return upper >= 0x41 && upper <= 0x5a;
}

/** Compiles one row's bits. Throws where they are not 16 or 32 well-formed characters. */
export function compilePattern<R extends Row>(row: R): Pattern<R> {
  const { bits } = row;
  let width = 0;
  let fixed = 0;
  let mask = 0;
  let value = 0;
  for (let i = 0; i < bits.length; i++) {
    const code = bits.charCodeAt(i);
    if (code === SPACE) continue;
    width++;
    mask <<= 1;
    value <<= 1;
    if (code === ZERO || code === ONE) {
      mask |= 1;
      value |= code & 1;
      fixed++;
    } else if (code !== DASH && !isLetter(code)) throw new Error(`${row.mnemonic}: "${bits[i]}" in "${bits}"`);
  }
  if (width !== 16 && width !== 32) throw new Error(`${row.mnemonic}: ${width} bits in "${bits}"`);
  return { row, width, mask, value, rank: row.when === undefined ? fixed : fixed + 0.5, pieces: undefined };
}

/** The pieces of all fields, each field's lowest piece first. */
function findPieces(bits: string): readonly Piece[] {
  const filled = new Map<string, number>();
  const pieces: Piece[] = [];
  const letters = bits.replaceAll(" ", "");
  for (let end = letters.length; end > 0;) {
    const letter = letters[end - 1]!;
    let start = end - 1;
    while (start > 0 && letters[start - 1] === letter) start--;
    if (isLetter(letter.charCodeAt(0))) {
      const size = end - start;
      const up = filled.get(letter) ?? 0;
      pieces.push({ letter, shift: letters.length - end, mask: size === 32 ? -1 : (1 << size) - 1, up });
      filled.set(letter, up + size);
    }
    end = start;
  }
  return pieces;
}

/** The fields of a word that matches the pattern. */
export function extractFields(pattern: Pattern<Row>, word: number): Fields {
  const fields: Record<string, number> = {};
  pattern.pieces ??= findPieces(pattern.row.bits);
  for (const { letter, shift, mask, up } of pattern.pieces) {
    const bits = (word >>> shift) & mask;
    fields[letter] = up === 0 ? bits : fields[letter]! | (bits << up);
  }
  return fields;
}

/** Inner nodes look at a few bits of the word; leaves are tried in order, most specific pattern first. */
interface TreeNode<R extends Row> {
  readonly patterns: readonly Pattern<R>[];
  /** Bits that the nodes above have looked at. */
  readonly seen: number;
  shift: number;
  mask: number;
  children: (TreeNode<R> | undefined)[] | undefined;
  split: boolean;
}

const LEAF_SIZE = 4;
const MAX_WINDOW = 8;

export class DecodeTable<R extends Row> {
  /** All patterns, the most specific first. */
  readonly patterns: readonly Pattern<R>[];
  readonly #root: TreeNode<R>;

  /** Rows of one width. Throws on a malformed row. */
  constructor(rows: readonly R[]) {
    const patterns = rows.map((row) => compilePattern(row));
    const width = patterns[0]?.width ?? 32;
    for (const { row, width: other } of patterns)
      if (other !== width) throw new Error(`${row.mnemonic}: ${other} bits in a table of ${width}`);
    patterns.sort((a, b) => b.rank - a.rank);
    this.patterns = patterns;
    this.#root = makeNode(this.patterns, 0);
  }

  /** The row that a word means; undefined where the encoding is unallocated. */
  find(word: number): Pattern<R> | undefined {
    let node = this.#root;
    while (node.patterns.length > LEAF_SIZE) {
      if (!node.split) splitNode(node);
      if (node.children === undefined) break;
      const index = (word >>> node.shift) & node.mask;
      const child = node.children[index];
      if (child !== undefined) node = child;
      else node = node.children[index] = childNode(node, index);
    }
    for (const pattern of node.patterns) {
      if (((word ^ pattern.value) & pattern.mask) !== 0) continue;
      const { when } = pattern.row;
      if (when === undefined || when(extractFields(pattern, word))) return pattern;
    }
    return undefined;
  }
}

function makeNode<R extends Row>(patterns: readonly Pattern<R>[], seen: number): TreeNode<R> {
  return { patterns, seen, shift: 0, mask: 0, children: undefined, split: false };
}

/** Chooses the bits that a node looks at: the longest run of bits that most of its patterns fix. Done at first use. */
function splitNode<R extends Row>(node: TreeNode<R>): void {
  node.split = true;
  const enough = Math.ceil(node.patterns.length * 0.75);
  let best = 0;
  let run = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const usable =
      ((node.seen >>> bit) & 1) === 0 && node.patterns.reduce((n, { mask }) => n + ((mask >>> bit) & 1), 0) >= enough;
    run = usable ? run + 1 : 0;
    if (run > best && run <= MAX_WINDOW) {
      best = run;
      node.shift = bit;
    }
  }
  if (best === 0) return;
  node.mask = (1 << best) - 1;
  node.children = new Array<TreeNode<R> | undefined>(1 << best).fill(undefined);
}

function childNode<R extends Row>(node: TreeNode<R>, index: number): TreeNode<R> {
  const window = node.mask << node.shift;
  const wanted = index << node.shift;
  const patterns = node.patterns.filter(({ mask, value }) => ((value ^ wanted) & mask & window) === 0);
  return makeNode(patterns, node.seen | window);
}

/**
 * Pairs of rows that match a common word though neither is a special case of the other: mistakes in a table. Rows with
 * a `when` settle their own overlaps.
 */
export function findOverlaps<R extends Row>(table: DecodeTable<R>): string[] {
  const overlaps: string[] = [];
  const { patterns } = table;
  for (const [i, a] of patterns.entries()) {
    for (const b of patterns.slice(i + 1)) {
      if (((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
      if (a.row.when !== undefined || b.row.when !== undefined) continue;
      const common = a.mask & b.mask;
      const nested = a.mask !== b.mask && (common === a.mask || common === b.mask);
      if (!nested) overlaps.push(`${a.row.mnemonic} "${a.row.bits}" and ${b.row.mnemonic} "${b.row.bits}"`);
    }
  }
  return overlaps;
}

/** How each operand name of the manual is printed; `Context` is what an ISA needs besides the fields (the pc). */
export type OperandFormats<Context> = Readonly<Record<string, (fields: Fields, context: Context) => string>>;

type Template<Context> = readonly (string | ((fields: Fields, context: Context) => string))[];

/**
 * A disassembler from the rows' mnemonics and operands: GNU style, mnemonic, tab, operands. The returned function does
 * not fail on any row whose operand names are known; unknown words are copied.
 */
export function disassembler<Context>(
  formats: OperandFormats<Context>,
): (row: Row, fields: Fields, context: Context) => string {
  const templates = new Map<string, Template<Context>>();
  const compile = (text: string, words: RegExp): Template<Context> => {
    let template = templates.get(text);
    if (template === undefined) {
      template = text
        .split(words)
        .filter((word) => word !== undefined)
        .map((word) => (Object.hasOwn(formats, word) ? formats[word]! : word));
      templates.set(text, template);
    }
    return template;
  };
  const print = (template: Template<Context>, fields: Fields, context: Context): string =>
    template.map((part) => (typeof part === "string" ? part : part(fields, context))).join("");
  return (row, fields, context) => {
    const mnemonic = row.mnemonic.includes("{") ? print(compile(row.mnemonic, /[{}]/), fields, context) : row.mnemonic;
    const operands = print(compile(row.operands, /[{}]|([A-Za-z]\w*)/), fields, context);
    return operands === "" ? mnemonic : `${mnemonic}\t${operands}`;
  };
}
