/* Bodies that attract each other, in single precision: additions, products, a division, a square root. */
#include "kernel.h"

#define BODIES 40
#define STEPS 6000

static struct {
    float x, y, z, vx, vy, vz, mass;
} body[BODIES];

unsigned kernel(unsigned scale)
{
    for (int i = 0; i < BODIES; i++) {
        body[i].x = (float)(i * 7 % 13), body[i].y = (float)(i * 5 % 11), body[i].z = (float)(i * 3 % 17);
        body[i].mass = 0.5f + (float)(i % 5);
    }
    for (unsigned step = 0; step < STEPS * scale; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                float dx = body[i].x - body[j].x, dy = body[i].y - body[j].y, dz = body[i].z - body[j].z;
                float square = dx * dx + dy * dy + dz * dz + 0.25f;
                float force = 0.0001f / (square * __builtin_sqrtf(square));
                body[i].vx -= dx * body[j].mass * force, body[j].vx += dx * body[i].mass * force;
                body[i].vy -= dy * body[j].mass * force, body[j].vy += dy * body[i].mass * force;
                body[i].vz -= dz * body[j].mass * force, body[j].vz += dz * body[i].mass * force;
            }
        for (int i = 0; i < BODIES; i++)
            body[i].x += body[i].vx * 0.01f, body[i].y += body[i].vy * 0.01f, body[i].z += body[i].vz * 0.01f;
    }
    double sum = 0;
    for (int i = 0; i < BODIES; i++)
        sum += body[i].x + body[i].vy;
    return checksum(sum);
}
