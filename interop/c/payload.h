/* Payloads that the other end can rebuild from a number, and their checksum: for every C program of the suite. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

void fill_pattern(unsigned char *bytes, size_t length, uint32_t seed);
uint32_t fnv1a(const unsigned char *bytes, size_t length);

#endif
