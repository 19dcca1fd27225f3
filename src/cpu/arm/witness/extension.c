/*
 * Runs single VFP and Advanced SIMD instructions on given registers and tells what came of them. Reads records from
 * standard input, writes one for each to standard output:
 *
 *     word instruction (A32), word FPSCR, word CPSR flags, words r0 to r3, a word unused, 256 bytes D0 to D31, 64 bytes of memory
 *
 * In the answer the instruction is 0 if it raised SIGILL. r1 in a record is an offset into the memory. The answers in
 * extension-expected.txt were made so (extension-witness.test.ts makes the records):
 *
 *     arm-linux-gnueabihf-gcc -static -O1 -marm -march=armv8-a -mfpu=crypto-neon-fp-armv8 -o extension extension.c
 *     qemu-arm -cpu max ./extension < records > answers
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct record {
  uint32_t instruction, fpscr, cpsr, r[4], unused;
  uint64_t d[32];
  uint8_t memory[64];
} __attribute__((aligned(32)));

static sigjmp_buf back;
static void illegal(int signal) { siglongjmp(back, signal); }

static int read_all(void *to, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t n = read(0, (char *)to + at, size - at);
    if (n <= 0) return 0;
    at += n;
  }
  return 1;
}

int main(void) {
  static struct record record;
  uint32_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {.sa_handler = illegal, .sa_flags = SA_NODEFER};
  sigaction(SIGILL, &action, 0);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  for (;;) {
    if (!read_all(&record, sizeof record)) return 0;
    code[0] = record.instruction;
    code[1] = 0xe12fff1e; /* bx lr */
    __builtin___clear_cache((char *)code, (char *)code + 8);
    uint32_t offset = record.r[1];
    int signal = sigsetjmp(back, 1);
    if (signal == 0) {
      record.r[1] = (uint32_t)(uintptr_t)record.memory + offset;
      register struct record *p __asm__("r8") = &record;
      register uint32_t *entry __asm__("r9") = code;
      __asm__ volatile(
          "add r10, %0, #32\n\t"
          "vldmia r10!, {d0-d15}\n\t"
          "vldmia r10, {d16-d31}\n\t"
          "ldr r10, [%0, #4]\n\t"
          "vmsr fpscr, r10\n\t"
          "ldr r10, [%0, #8]\n\t"
          "msr apsr_nzcvq, r10\n\t"
          "add r10, %0, #12\n\t"
          "ldmia r10, {r0-r3}\n\t"
          "blx %1\n\t"
          "add r10, %0, #12\n\t"
          "stmia r10, {r0-r3}\n\t"
          "mrs r10, apsr\n\t"
          "str r10, [%0, #8]\n\t"
          "vmrs r10, fpscr\n\t"
          "str r10, [%0, #4]\n\t"
          "add r10, %0, #32\n\t"
          "vstmia r10!, {d0-d15}\n\t"
          "vstmia r10, {d16-d31}\n\t"
          "mov r10, #0\n\t"
          "vmsr fpscr, r10\n\t"
          :
          : "r"(p), "r"(entry)
          : "r0", "r1", "r2", "r3", "r10", "r12", "lr", "memory", "cc", "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7",
            "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15", "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23",
            "d24", "d25", "d26", "d27", "d28", "d29", "d30", "d31");
      record.r[1] -= (uint32_t)(uintptr_t)record.memory;
    } else {
      __asm__ volatile("vmsr fpscr, %0" : : "r"(0));
      record.instruction = 0;
      record.fpscr = signal;
    }
    if (write(1, &record, sizeof record) != sizeof record) return 1;
  }
}
