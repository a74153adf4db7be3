/* Payloads that the other end can rebuild from a number, and their checksum. */
#include "payload.h"

/* The generator of Numerical Recipes; the top byte of each state is one byte of payload. */
void fill_pattern(unsigned char *bytes, size_t length, uint32_t seed)
{
	uint32_t state = seed;

	for (size_t i = 0; i < length; i++) {
		state = state * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(state >> 24);
	}
}

/* FNV-1a, 32 bits. */
uint32_t fnv1a(const unsigned char *bytes, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}
