/* The compressed kernel inside a bzImage (its "payload"), unpacked to a file: the kernel's own decompressor runs in the
 * guest at each boot, which on some hosts takes longer than all that comes after it. */
#ifndef MV_KVM_UNPACK_H
#define MV_KVM_UNPACK_H

#include <stdint.h>

enum mv_payload_format { MV_PAYLOAD_XZ, MV_PAYLOAD_ZSTD, MV_PAYLOAD_GZIP };

struct mv_payload {
	enum mv_payload_format format;
	uint64_t offset, length; /* the compressed stream in the file, bytes */
	uint64_t size; /* when unpacked, as the file says; it is at most what the kernel reserves for itself */
};

/* Looks for the payload of the kernel file fd (borrowed; read with pread). 0, or -ENOEXEC when it is no bzImage with a
 * payload in a format that we know, or -errno. Any thread. */
int mv_payload_find(int fd, struct mv_payload *out);

/* Unpacks it to the empty file `to`, with holes for zeros. 0; -EILSEQ: the stream is damaged, is no ELF file, or is not
 * as long as announced; or -errno. What was written until then stays in the file. Memory is bounded whatever the stream
 * demands. Any thread. */
int mv_payload_unpack(int fd, const struct mv_payload *payload, int to);

#endif
