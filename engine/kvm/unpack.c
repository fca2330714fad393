/* Where the payload is follows from the setup header (Documentation/arch/x86/boot.rst, payload_offset and
 * payload_length). Behind the compressed stream are 4 bytes, its size when unpacked; gzip has them as its own end. */
#include "engine/kvm/unpack.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/base/bytes.h"
#include "engine/base/file.h"

#define HEADER_OFFSET offsetof(struct boot_params, hdr)
#define SECTOR 512
#define SIZE_BYTES 4
#define MAX_UNPACKED (UINT64_C(1) << 30) /* a kernel's image lies within 1 GiB */
#define MIN_UNPACKED 64                  /* an ELF header */
/* Kernels are packed with dictionaries of up to 128 MiB. */
#define XZ_MEMORY (UINT64_C(192) << 20)
#define ZSTD_WINDOW_LOG 27

#define BLOCK 4096
#define IN_SIZE ((size_t)64 * 1024)
#define OUT_SIZE ((size_t)64 * BLOCK)

/* --- finding it --- */

static bool known_format(const uint8_t *magic, enum mv_payload_format *format)
{
	static const struct {
		uint8_t bytes[6];
		size_t size;
	} magics[] = {
		[MV_PAYLOAD_XZ] = { { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 },
		[MV_PAYLOAD_ZSTD] = { { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
		[MV_PAYLOAD_GZIP] = { { 0x1f, 0x8b, 8 }, 3 },
	};

	for (unsigned i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (memcmp(magic, magics[i].bytes, magics[i].size) != 0)
			continue;
		*format = (enum mv_payload_format)i;
		return true;
	}
	return false;
}

static int read_exactly(int fd, void *buf, size_t size, uint64_t offset)
{
	ssize_t n = mv_file_read_at(fd, buf, size, offset);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -ENOEXEC;
}

int mv_payload_find(int fd, struct mv_payload *out)
{
	uint8_t head[HEADER_OFFSET + sizeof(struct setup_header)];
	uint8_t magic[6], size[SIZE_BYTES];
	struct setup_header h;
	struct stat st;
	uint64_t start;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	rc = S_ISREG(st.st_mode) ? read_exactly(fd, head, sizeof(head), 0) : -ENOEXEC;
	if (rc < 0)
		return rc;
	memcpy(&h, head + HEADER_OFFSET, sizeof(h));
	/* The fields that are used here came with these versions; the machine refuses older ones anyway. */
	if (h.boot_flag != 0xaa55 || memcmp(&h.header, "HdrS", 4) != 0 || h.version < 0x20c)
		return -ENOEXEC;
	start = ((h.setup_sects ? h.setup_sects : 4) + 1ULL) * SECTOR + h.payload_offset;
	if (h.payload_offset == 0 || h.payload_length <= sizeof(magic) + SIZE_BYTES || start > (uint64_t)st.st_size ||
	    h.payload_length > (uint64_t)st.st_size - start)
		return -ENOEXEC;
	rc = read_exactly(fd, magic, sizeof(magic), start);
	if (rc == 0)
		rc = read_exactly(fd, size, sizeof(size), start + h.payload_length - SIZE_BYTES);
	if (rc < 0)
		return rc;
	out->offset = start;
	out->length = h.payload_length;
	out->size = mv_get_le32(size);
	/* The kernel unpacks itself into the memory that it asks for. */
	if (!known_format(magic, &out->format) || out->size < MIN_UNPACKED || out->size > h.init_size ||
	    out->size > MAX_UNPACKED)
		return -ENOEXEC;
	if (out->format != MV_PAYLOAD_GZIP)
		out->length -= SIZE_BYTES;
	return 0;
}

/* --- unpacking it --- */

struct stream {
	int from, to;
	uint64_t at, left; /* of the compressed bytes that were not read yet */
	uint64_t done;     /* bytes that came out */
	uint64_t size;     /* that must come out */
	uint8_t in[IN_SIZE];
	uint8_t out[OUT_SIZE];
};

/* Bytes in s->in; 0 at the end, or -errno. */
static ssize_t refill(struct stream *s)
{
	size_t want = s->left < IN_SIZE ? (size_t)s->left : IN_SIZE;
	ssize_t n = mv_file_read_at(s->from, s->in, want, s->at);

	if (n > 0) {
		s->at += (uint64_t)n;
		s->left -= (uint64_t)n;
	}
	return n;
}

static bool all_zero(const uint8_t *p, size_t size)
{
	return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

static int write_out(struct stream *s, size_t from, size_t to)
{
	while (from < to) {
		ssize_t n = pwrite(s->to, s->out + from, to - from, (off_t)(s->done + from));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			from += (size_t)n;
	}
	return 0;
}

/* Takes what is in s->out. Blocks of zeros, a third of a kernel, are passed over, and so cost nothing when it is
 * loaded.
 */
static int flush(struct stream *s, size_t size)
{
	size_t begin = 0;
	int rc = 0;

	if (size > s->size - s->done)
		return -EILSEQ;
	if (s->done == 0 && (size < 4 || memcmp(s->out, "\177ELF", 4) != 0))
		return -EILSEQ;
	for (size_t at = 0; rc == 0 && at < size; at += BLOCK) {
		size_t len = size - at < BLOCK ? size - at : BLOCK;

		if (!all_zero(s->out + at, len))
			continue;
		rc = write_out(s, begin, at);
		begin = at + len;
	}
	if (rc == 0)
		rc = write_out(s, begin, size);
	s->done += size;
	return rc;
}

static int unpack_xz(struct stream *s)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_stream_decoder(&z, XZ_MEMORY, 0);
	int rc = ret == LZMA_OK ? 0 : -ENOMEM;

	z.next_out = s->out;
	z.avail_out = OUT_SIZE;
	while (rc == 0 && ret == LZMA_OK) {
		ssize_t n = 1;

		if (z.avail_in == 0) {
			n = refill(s);
			z.next_in = s->in;
			z.avail_in = n > 0 ? (size_t)n : 0;
		}
		ret = n < 0 ? LZMA_OK : lzma_code(&z, n == 0 ? LZMA_FINISH : LZMA_RUN);
		if (n < 0)
			rc = (int)n;
		else if (ret != LZMA_OK && ret != LZMA_STREAM_END)
			rc = ret == LZMA_MEM_ERROR ? -ENOMEM : -EILSEQ;
		else if (z.avail_out == 0 || ret == LZMA_STREAM_END) {
			rc = flush(s, OUT_SIZE - z.avail_out);
			z.next_out = s->out;
			z.avail_out = OUT_SIZE;
		}
	}
	lzma_end(&z);
	return rc;
}

static int unpack_zstd(struct stream *s)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer in = { s->in, 0, 0 };
	ZSTD_outBuffer out = { s->out, OUT_SIZE, 0 };
	size_t ret = 1;
	int rc = z ? 0 : -ENOMEM;

	if (z && ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		rc = -ENOMEM;
	while (rc == 0 && ret != 0) {
		size_t before = out.pos;

		if (in.pos == in.size) {
			ssize_t n = refill(s);

			if (n < 0)
				rc = (int)n;
			in.pos = 0;
			in.size = n > 0 ? (size_t)n : 0;
		}
		if (rc < 0)
			break;
		ret = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(ret) || (ret != 0 && in.size == 0 && out.pos == before))
			rc = -EILSEQ; /* or it ends too early */
		else if (out.pos == OUT_SIZE || ret == 0) {
			rc = flush(s, out.pos);
			out.pos = 0;
		}
	}
	ZSTD_freeDStream(z);
	return rc;
}

static int unpack_gzip(struct stream *s)
{
	z_stream z = { .next_out = s->out, .avail_out = OUT_SIZE };
	int ret = inflateInit2(&z, 16 + MAX_WBITS); /* with gzip's header and checksum */
	int rc = ret == Z_OK ? 0 : -ENOMEM;

	while (rc == 0 && ret == Z_OK) {
		if (z.avail_in == 0) {
			ssize_t n = refill(s);

			if (n <= 0) {
				rc = n < 0 ? (int)n : -EILSEQ;
				break;
			}
			z.next_in = s->in;
			z.avail_in = (unsigned)n;
		}
		ret = inflate(&z, Z_NO_FLUSH);
		if (ret != Z_OK && ret != Z_STREAM_END)
			rc = ret == Z_MEM_ERROR ? -ENOMEM : -EILSEQ;
		else if (z.avail_out == 0 || ret == Z_STREAM_END) {
			rc = flush(s, OUT_SIZE - z.avail_out);
			z.next_out = s->out;
			z.avail_out = OUT_SIZE;
		}
	}
	inflateEnd(&z);
	return rc;
}

int mv_payload_unpack(int fd, const struct mv_payload *payload, int to)
{
	static int (*const unpackers[])(struct stream *) = {
		[MV_PAYLOAD_XZ] = unpack_xz,
		[MV_PAYLOAD_ZSTD] = unpack_zstd,
		[MV_PAYLOAD_GZIP] = unpack_gzip,
	};
	mv_autofree struct stream *s = malloc(sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->from = fd;
	s->to = to;
	s->at = payload->offset;
	s->left = payload->length;
	s->done = 0;
	s->size = payload->size;
	rc = unpackers[payload->format](s);
	if (rc < 0)
		return rc;
	if (s->done != s->size)
		return -EILSEQ;
	return ftruncate(to, (off_t)s->size) < 0 ? -errno : 0;
}
