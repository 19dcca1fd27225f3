/*
 * Prints what a MIPS32 release 2 FPU answers: one line an instruction, rounding mode and FS bit, with a hash over
 * all results and FCSR values. The lines in fpu-expected.txt were printed so:
 *
 *     mipsel-linux-gnu-gcc -static -O1 -march=mips32r2 -mfp64 -o fpu fpu.c && qemu-mipsel ./fpu > fpu-expected.txt
 *
 * With the name of a line (./fpu add.s 0 1) it prints each operand and answer instead. fpu-witness.test.ts makes the
 * same operands and answers.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t singles[] = {
  0x00000000, 0x00000001, 0x00000003, 0x00400000, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x1a000000,
  0x33800000, 0x3effffff, 0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000, 0x40200000,
  0x40400000, 0x40600000, 0x4affffff, 0x4b000001, 0x4b7fffff, 0x4effffff, 0x4f000000, 0x4f000001, 0x5effffff, 0x5f000000,
  0x7e800000, 0x7f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fffffff };
static const uint64_t doubles[] = {
  0x0000000000000000, 0x0000000000000001, 0x0000000000000003, 0x0008000000000000, 0x000fffffffffffff, 0x0010000000000000,
  0x0010000000000001, 0x001fffffffffffff, 0x0020000000000000, 0x1e50000000000000, 0x369fffffffffffff, 0x36a0000000000000,
  0x36b8000000000000, 0x380fffffe0000000, 0x380fffffffffffff, 0x3810000000000000, 0x3ca0000000000000, 0x3fdfffffffffffff,
  0x3fe0000000000000, 0x3fe0000000000001, 0x3fefffffffffffff, 0x3ff0000000000000, 0x3ff0000000000001, 0x3ff0000010000000,
  0x3ff8000000000000, 0x4000000000000000, 0x4004000000000000, 0x4008000000000000, 0x400c000000000000, 0x41dfffffffc00000,
  0x41dfffffffe00000, 0x41e0000000000000, 0x41e0000000200000, 0x432fffffffffffff, 0x4330000000000001, 0x43dfffffffffffff,
  0x43e0000000000000, 0x43e0000000000001, 0x47efffffe0000000, 0x47efffffefffffff, 0x47effffff0000000, 0x7fe0000000000000,
  0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff7ffffffffffff, 0x7ff8000000000000, 0x7fffffffffffffff };
static const uint32_t words[] = { 0, 1, 3, 0xffffff, 0x1000000, 0x1000001, 0x1000003, 0x2000001, 0x7fffff80, 0x7fffffbf, 0x7fffffc0, 0x7fffffff };
static const uint64_t longs[] = {
  0, 1, 0xffffff, 0x1000001, 0x1fffffffffffff, 0x20000000000001, 0x20000000000003, 0x40000000000002, 0x3fffffffffffff,
  0x7ffffffffffffc00, 0x7ffffffffffffdff, 0x7ffffffffffffe00, 0x7fffffffffffffff, 0x7fffff8000000000, 0x7fffffbfffffffff, 0x7fffffc000000000 };
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static uint64_t mix(uint64_t x) { /* splitmix64 */
  x += 0x9e3779b97f4a7c15; x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9; x = (x ^ (x >> 27)) * 0x94d049bb133111eb; return x ^ (x >> 31);
}
static int special_count(char f) { return 2 * (f == 's' ? COUNT(singles) : f == 'd' ? COUNT(doubles) : f == 'w' ? COUNT(words) : COUNT(longs)); }
static uint64_t sign(char f) { return f == 's' || f == 'w' ? 0x80000000u : (uint64_t)1 << 63; }
/* Operand number i: specials of both signs, then numbers that are random, near a special, or of everyday size. */
static uint64_t operand(char f, int i) {
  int n = special_count(f), k = i / 2;
  if (i < n) return (f == 's' ? singles[k] : f == 'd' ? doubles[k] : f == 'w' ? words[k] : longs[k]) ^ (i & 1 ? sign(f) : 0);
  uint64_t r = mix(i), m = mix(r), all = sign(f) * 2 - 1;
  if (i % 3 == 0) return r & all;
  if (i % 3 == 1) return (operand(f, m % n) + (r & 7) - 3) & all;
  if (f == 's') return (r & 0x807fffff) | (uint64_t)(112 + m % 32) << 23;
  if (f == 'd') return (r & 0x800fffffffffffff) | (uint64_t)(1008 + m % 32) << 52;
  return (r & all) >> (m % 32);
}

typedef struct { uint64_t result; uint32_t fcsr; } answer;
#define RUN(name, text) static answer name(uint64_t a, uint64_t b, uint64_t c, uint32_t fcsr) { \
  answer x; uint64_t in[3] = { a, b, c }; \
  __asm__ volatile(".set push\n.set noreorder\n.set fp=64\n ldc1 $f4,0(%2)\n ldc1 $f6,8(%2)\n ldc1 $f8,16(%2)\n mtc1 $0,$f2\n mthc1 $0,$f2\n ctc1 %3,$31\n" \
    text "\n cfc1 %1,$31\n ctc1 $0,$31\n sdc1 $f2,%0\n.set pop" : "=m"(x.result), "=&r"(x.fcsr) : "r"(in), "r"(fcsr), "m"(in) : "$f2", "$f4", "$f6", "$f8"); \
  return x; }
#define BINARY(op, id) RUN(f_##id, op " $f2,$f4,$f6")
#define TERNARY(op, id) RUN(f_##id, op " $f2,$f8,$f4,$f6")
#define COMPARE(op, id) RUN(f_##id, op " $f4,$f6")
/* name, operand formats, result format, kind */
#define TABLE(X) \
  X(add_s,"add.s","ss",'s',BINARY) X(sub_s,"sub.s","ss",'s',BINARY) X(mul_s,"mul.s","ss",'s',BINARY) X(div_s,"div.s","ss",'s',BINARY) \
  X(add_d,"add.d","dd",'d',BINARY) X(sub_d,"sub.d","dd",'d',BINARY) X(mul_d,"mul.d","dd",'d',BINARY) X(div_d,"div.d","dd",'d',BINARY) \
  X(sqrt_s,"sqrt.s","s",'s',UNARY) X(sqrt_d,"sqrt.d","d",'d',UNARY) X(recip_s,"recip.s","s",'s',UNARY) X(recip_d,"recip.d","d",'d',UNARY) \
  X(rsqrt_s,"rsqrt.s","s",'s',UNARY) X(rsqrt_d,"rsqrt.d","d",'d',UNARY) \
  X(abs_s,"abs.s","s",'s',UNARY) X(abs_d,"abs.d","d",'d',UNARY) X(neg_s,"neg.s","s",'s',UNARY) X(neg_d,"neg.d","d",'d',UNARY) \
  X(madd_s,"madd.s","sss",'s',TERNARY) X(madd_d,"madd.d","ddd",'d',TERNARY) X(msub_s,"msub.s","sss",'s',TERNARY) X(msub_d,"msub.d","ddd",'d',TERNARY) \
  X(nmadd_s,"nmadd.s","sss",'s',TERNARY) X(nmadd_d,"nmadd.d","ddd",'d',TERNARY) X(nmsub_s,"nmsub.s","sss",'s',TERNARY) X(nmsub_d,"nmsub.d","ddd",'d',TERNARY) \
  X(cvt_s_d,"cvt.s.d","d",'s',UNARY) X(cvt_s_w,"cvt.s.w","w",'s',UNARY) X(cvt_s_l,"cvt.s.l","l",'s',UNARY) \
  X(cvt_d_s,"cvt.d.s","s",'d',UNARY) X(cvt_d_w,"cvt.d.w","w",'d',UNARY) X(cvt_d_l,"cvt.d.l","l",'d',UNARY) \
  X(cvt_w_s,"cvt.w.s","s",'w',UNARY) X(cvt_w_d,"cvt.w.d","d",'w',UNARY) X(cvt_l_s,"cvt.l.s","s",'l',UNARY) X(cvt_l_d,"cvt.l.d","d",'l',UNARY) \
  X(round_w_s,"round.w.s","s",'w',UNARY) X(round_w_d,"round.w.d","d",'w',UNARY) X(round_l_s,"round.l.s","s",'l',UNARY) X(round_l_d,"round.l.d","d",'l',UNARY) \
  X(trunc_w_s,"trunc.w.s","s",'w',UNARY) X(trunc_w_d,"trunc.w.d","d",'w',UNARY) X(trunc_l_s,"trunc.l.s","s",'l',UNARY) X(trunc_l_d,"trunc.l.d","d",'l',UNARY) \
  X(ceil_w_s,"ceil.w.s","s",'w',UNARY) X(ceil_w_d,"ceil.w.d","d",'w',UNARY) X(ceil_l_s,"ceil.l.s","s",'l',UNARY) X(ceil_l_d,"ceil.l.d","d",'l',UNARY) \
  X(floor_w_s,"floor.w.s","s",'w',UNARY) X(floor_w_d,"floor.w.d","d",'w',UNARY) X(floor_l_s,"floor.l.s","s",'l',UNARY) X(floor_l_d,"floor.l.d","d",'l',UNARY) \
  COMPARES(X)
#define UNARY(op, id) RUN(f_##id, op " $f2,$f4")
#define C2(X,cond) X(c_##cond##_s,"c." #cond ".s","ss",'c',COMPARE) X(c_##cond##_d,"c." #cond ".d","dd",'c',COMPARE)
#define COMPARES(X) C2(X,f) C2(X,un) C2(X,eq) C2(X,ueq) C2(X,olt) C2(X,ult) C2(X,ole) C2(X,ule) \
  C2(X,sf) C2(X,ngle) C2(X,seq) C2(X,ngl) C2(X,lt) C2(X,nge) C2(X,le) C2(X,ngt)
#define DEFINE(id,op,in,out,kind) kind(op,id)
TABLE(DEFINE)
static const struct { const char *name, *in; char out; answer (*run)(uint64_t, uint64_t, uint64_t, uint32_t); } table[] = {
#define ROW(id,op,in,out,kind) { op, in, out, f_##id },
  TABLE(ROW)
};

static uint32_t hash;
static void feed(uint64_t x, int bytes) { while (bytes--) { hash = (hash ^ (x & 0xff)) * 16777619u; x >>= 8; } } /* FNV-1a */

int main(int argc, char **argv) {
  for (int t = 0; t < COUNT(table); t++)
    for (int rm = 0; rm < 4; rm++)
      for (int fs = 0; fs < 2; fs++) {
        int verbose = argc == 4 && !strcmp(argv[1], table[t].name) && atoi(argv[2]) == rm && atoi(argv[3]) == fs;
        if ((argc > 1 && !verbose) || (table[t].out == 'c' && rm != 0)) continue;
        char f = table[t].in[0];
        int arity = strlen(table[t].in), n = special_count(f);
        int pairs = arity == 1 ? n + 400 : 1200;
        hash = 2166136261u;
        for (int i = 0; i < pairs; i++) {
          uint64_t a, b = 0, c = 0;
          if (arity == 1) a = operand(f, i);
          else if (i < 800) a = operand(f, mix(i) % n), b = operand(f, mix(i + 1000) % n);
          else a = operand(f, n + 2 * i), b = operand(f, n + 2 * i + 1);
          if (arity == 3) c = operand(f, (i * 7) % (2 * n));
          answer x = table[t].run(a, b, c, rm | fs << 24);
          if (table[t].out == 's' || table[t].out == 'w') x.result &= 0xffffffff;
          if (table[t].out == 'c') x.result = 0;
          if (verbose) printf("%" PRIx64 " %" PRIx64 " %" PRIx64 " -> %" PRIx64 " %08" PRIx32 "\n", a, b, c, x.result, x.fcsr);
          feed(x.result, 8); feed(x.fcsr, 4);
        }
        printf("%s %d %d %08" PRIx32 "\n", table[t].name, rm, fs, hash);
      }
  return 0;
}
